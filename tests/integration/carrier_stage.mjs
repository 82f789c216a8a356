// For tests of the sandbox alone: a sandbox with two accounts, and a small server in this process that it calls.
import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Carrier } from '../harness/carrier.mjs';
import { Program } from '../harness/processes.mjs';
import { until } from '../harness/world.mjs';

export const one = { sid: `AC${'1'.repeat(32)}`, token: 'token-of-one', number: '+15005550006' };
export const two = { sid: `AC${'2'.repeat(32)}`, token: 'token-of-two', number: '+15005550007' };
export const supporter = '+14155550123';

function toParams(body) {
	const params = {};
	for (const [name, value] of new URLSearchParams(body)) {
		if (!(name in params)) params[name] = value;
		else params[name] = [].concat(params[name], value);
	}
	return params;
}

export class Stage {
	webhooks = []; // {step, url, method, headers, body, params}, as they came
	answers = {}; // by step, the last segment of the path: TwiML within Response, or a function that answers; none: 204
	onRequest = null; // sees every request first; true where it answered

	static async start(options = {}) {
		const stage = new Stage();
		stage.folder = mkdtempSync(join(tmpdir(), 'carrier-'));
		stage.server = createServer((request, response) => {
			let body = '';
			request.on('data', (part) => (body += part));
			request.on('end', () => stage.#answer(request, response, body));
		});
		await new Promise((resolve) => stage.server.listen(0, '127.0.0.1', resolve));
		stage.origin = `http://127.0.0.1:${stage.server.address().port}`;
		const { flags = [], ...others } = options;
		stage.carrier = await Carrier.start({
			accounts: [one, two],
			folder: stage.folder,
			transcript: join(stage.folder, 'transcript.jsonl'),
			flags: typeof flags === 'function' ? flags(stage.origin) : flags,
			until,
			start: (name, command, args) => new Program(command, args, { log: join(stage.folder, `${name}.log`) }),
			...others,
		});
		return stage;
	}

	#answer(request, response, body) {
		const step = new URL(request.url, 'http://x').pathname.split('/').pop();
		const webhook = { step, url: request.url, method: request.method, headers: request.headers, body, params: toParams(body) };
		if (this.onRequest?.(webhook, response)) return;
		this.webhooks.push(webhook);
		const answer = this.answers[step];
		if (typeof answer === 'function') answer(webhook, response);
		else if (answer === undefined) response.writeHead(204).end();
		else response.writeHead(200, { 'content-type': 'text/xml' }).end(`<Response>${answer}</Response>`);
	}

	/** The webhooks of one step. */
	seen(step) {
		return this.webhooks.filter((webhook) => webhook.step === step);
	}

	/** POST Calls without any SDK: the answer's status and JSON. */
	async post(fields = {}, account = one) {
		const body = new URLSearchParams();
		for (const [name, value] of Object.entries({ To: supporter, From: account.number, Url: `${this.origin}/v/answer`, ...fields }))
			for (const each of [].concat(value)) body.append(name, each);
		const answer = await fetch(`${this.carrier.url}/2010-04-01/Accounts/${account.sid}/Calls.json`, {
			method: 'POST',
			headers: { authorization: `Basic ${Buffer.from(`${account.sid}:${account.token}`).toString('base64')}` },
			body,
		});
		return { status: answer.status, json: await answer.json() };
	}

	async clear() {
		await this.carrier.idle();
		await this.carrier.reset();
		this.webhooks.length = 0;
		this.answers = {};
		this.onRequest = null;
	}

	/** How the sandbox ended. */
	async stop() {
		const exit = await this.carrier?.program.stop();
		this.server?.close();
		this.server?.closeAllConnections();
		rmSync(this.folder, { recursive: true, force: true });
		return exit;
	}
}
