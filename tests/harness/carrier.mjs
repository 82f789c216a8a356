// The carrier sandbox as tests see it: started with an account, told how the telephones behave, asked what happened.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { carrierProgram, patience } from './places.mjs';

/** Accounts for tests: made-up, of the shape of Twilio's. */
export function account(number, caller = '+15005550006') {
	const hex = number.toString(16).padStart(32, '0');
	return { sid: `AC${hex}`, token: `${'0123456789abcdef'.repeat(2).slice(number % 16)}${'0'.repeat(number % 16)}`, number: caller };
}

export class Carrier {
	/** accounts: see account(); speed: times real time; scenario: what POST /_sandbox/scenarios takes; flags: more of the program's. */
	static async start({ accounts = [account(1)], speed = 1000, scenario, flags = [], transcript, folder, start, until, Hopeless }) {
		const carrier = new Carrier();
		const ready = join(folder, `carrier-${process.pid}-${Date.now()}.ready`);
		const args = ['--listen', '127.0.0.1:0', '--ready-file', ready, '--speed', String(speed), '--transcript', transcript, ...flags];
		for (const { sid, token, number } of accounts) args.push('--account', `${sid}:${token}:${number}`);
		carrier.accounts = accounts;
		carrier.transcriptFile = transcript;
		carrier.program = start('carrier', carrierProgram, args);
		carrier.url = await until('the carrier sandbox to listen', () => {
			if (!carrier.program.running) throw new Hopeless(`the carrier sandbox ended: ${carrier.program.output()}`);
			return readFileSync(ready, 'utf8').trim();
		});
		if (scenario) await carrier.scenario(scenario);
		return carrier;
	}

	async control(path, { body, status = 200 } = {}) {
		const answer = await fetch(new URL(`/_sandbox/${path}`, this.url), {
			method: body === undefined ? 'GET' : 'POST',
			headers: body === undefined ? {} : { 'content-type': 'application/json' },
			body: body === undefined ? undefined : JSON.stringify(body),
		});
		const text = await answer.text();
		if (answer.status !== status) throw new Error(`the sandbox answered ${answer.status} to ${path}: ${text}`);
		return text ? JSON.parse(text) : null;
	}

	scenario(parts) {
		return this.control('scenarios', { body: parts });
	}

	reset() {
		return this.control('reset', { body: {} });
	}

	/** Waits until no call runs and no callback is on its way. */
	idle(timeout_ms = 30000) {
		return this.control(`idle?timeout_ms=${timeout_ms * patience}`);
	}

	/** Every call with its story, newest first. */
	async calls(limit = 1000) {
		return (await this.control(`calls?limit=${limit}`)).calls;
	}

	call(sid) {
		return this.control(`calls/${sid}`);
	}

	/** Every HTTP message so far between server and carrier. */
	transcript() {
		return readFileSync(this.transcriptFile, 'utf8').trimEnd().split('\n').filter(Boolean).map((line) => JSON.parse(line));
	}

	/** The webhooks of the transcript, each request with its answer: {step, url, form, headers, status, body, time}. */
	webhooks() {
		return exchanges(this.transcript(), 'carrier');
	}

	/** The server's REST requests, likewise. */
	requests() {
		return exchanges(this.transcript(), 'server');
	}
}

/** Pairs requests of one side with the answers of the other, in order, by URL. */
export function exchanges(messages, from) {
	const open = [];
	const found = [];
	for (const message of messages) {
		if (message.status === null && message.from === from) {
			const exchange = { ...message, step: new URL(message.url).pathname.split('/').pop(), status: null, body: null, request: message };
			open.push(exchange);
			found.push(exchange);
		} else if (message.status !== null && message.from !== from) {
			const at = open.findIndex((exchange) => exchange.url === message.url);
			if (at < 0) continue;
			const [exchange] = open.splice(at, 1);
			Object.assign(exchange, { status: message.status, body: message.body, answer: message });
		}
	}
	return found;
}
