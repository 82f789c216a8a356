// A world for a test file: a database of its own, a server and a carrier sandbox as separate processes, and the means to ask them.
//
//     const world = await World.make(import.meta.url);
//     after(() => world.close());
//
// Everything that it starts is stopped by close(), whatever happened; what the programs wrote is in world.logs. Nothing waits for
// a time: waiting is for a condition, with a limit.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { copyDatabase, loadData, OwnCluster, Psql } from './cluster.mjs';
import { account, Carrier } from './carrier.mjs';
import { cacheFolder, checkout, patience, program, resultsFolder } from './places.mjs';
import { Program, run } from './processes.mjs';

const sanitizerReport = /ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:/;

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort() {
	return new Promise((resolve, reject) => {
		const server = createServer();
		server.on('error', reject);
		server.listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => resolve(port));
		});
	});
}

/** Thrown in a question of until(): it will never be answered. */
export class Hopeless extends Error {}

/** Asks again until the answer is truthy; the last answer's absence (or error) is told with `what`. */
export async function until(what, ask, { timeout_ms = 20000, every_ms = 25 } = {}) {
	const end = Date.now() + timeout_ms * patience;
	let problem = '';
	for (;;) {
		try {
			const answer = await ask();
			if (answer) return answer;
			problem = '';
		} catch (error) {
			if (error instanceof Hopeless) throw error;
			problem = `: ${error.message}`;
		}
		if (Date.now() > end) throw new Error(`waited ${timeout_ms * patience} ms for ${what}${problem}`);
		await sleep(every_ms);
	}
}

/** What a campaign of a country is, and a place in it with several targets. */
const countries = {
	us: { country: 'us', type: 'congress', subtype: 'both', order: 'upper-first', place: '94110' },
	xs: { country: 'xs', type: 'parliament', subtype: 'both', order: 'upper-first', place: 'N101' },
};

let worlds = 0;
let campaigns = 0;

export class World {
	static async make(url, { database = true, key = true, country = 'xs', ownCluster = false } = {}) {
		const world = new World();
		world.name = basename(fileURLToPath(url), '.test.mjs').replace(/\W/g, '_');
		world.logs = join(process.env.CP_TEST_LOGS ?? resultsFolder, basename(fileURLToPath(url), '.test.mjs'), String(++worlds));
		mkdirSync(world.logs, { recursive: true });
		world.programs = [];
		world.country = countries[country];
		world.port = await freePort();
		world.publicUrl = `http://127.0.0.1:${world.port}`;
		world.settings = {
			CALLPOWER_LISTEN: `127.0.0.1:${world.port}`,
			CALLPOWER_PUBLIC_URL: world.publicUrl,
			CALLPOWER_THREADS: '2',
			CALLPOWER_CACHE_DIR: cacheFolder,
			CALLPOWER_LOG_FORMAT: 'json',
			CALLPOWER_LOG_LEVEL: 'debug',
		};
		if (ownCluster) {
			world.cluster = await OwnCluster.make(join(world.logs, 'postgres'));
			world.#connect(world.cluster.environment);
			await world.callpower(['migrate']);
			await loadData((args) => world.callpower(args));
		} else if (database) {
			const copy = await copyDatabase(`test_${world.name}_${process.pid}_${worlds}`);
			world.#connect(copy.environment);
		}
		if (world.sql && key) world.settings.CALLPOWER_MASTER_KEY_FILE = await world.#makeKey();
		return world;
	}

	#connect(environment) {
		for (const [name, value] of Object.entries(environment)) {
			if (name.startsWith('CALLPOWER_')) this.settings[name] = value;
		}
		this.sql = new Psql(environment.CP_TEST_DATABASE);
	}

	async #makeKey() {
		const file = join(this.logs, 'master.key');
		if (!existsSync(file)) await this.callpower(['key', 'new', file]);
		return file;
	}

	/** What the programs see: nothing of the CALLPOWER_ settings of whoever runs the tests. */
	environment(more = {}) {
		const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('CALLPOWER_'));
		return { ...Object.fromEntries(inherited), ...this.settings, ...more };
	}

	/** The command line. Throws where the status is not the expected one. */
	async callpower(args, { input, env, status = 0, timeout_ms = 120000 } = {}) {
		const done = await run(program, args, { env: this.environment(env), input, timeout_ms: timeout_ms * patience });
		if (done.status !== status) {
			const ended = done.signal ? `was ended by ${done.signal}` : `ended with status ${done.status}`;
			throw new Error(`callpower ${args.join(' ')} ${ended}\n${done.stdout}${done.stderr}`);
		}
		return done;
	}

	#start(name, command, args, env) {
		const started = new Program(command, args, { env, log: join(this.logs, `${name}.log`), cwd: checkout });
		this.programs.push(started);
		return started;
	}

	/**
	 * An organization with its carrier account: {slug, account, id, voiceToken}. Its secrets come from files and standard input, as an
	 * operator's would.
	 */
	async tenant({ slug, name = `Organization ${slug}`, account: carrierAccount = account(1) }) {
		const { sid, token, number } = carrierAccount;
		await this.callpower(['tenant', 'create', slug, '--name', name, '--account-sid', sid, '--auth-token-file', '-', '--number', number], { input: `${token}\n` });
		const { tenant_id, voice_token } = await this.sql.row(`select tenant_id, voice_token from tenant where slug = '${slug}'`);
		return { slug, account: carrierAccount, id: tenant_id, voiceToken: voice_token };
	}

	/** A campaign of this world's country; its number. */
	async campaign(tenant, { launch = true, name = `Campaign ${++campaigns}`, flags = [], input } = {}) {
		const { country, type, subtype, order } = this.country;
		const kind = ['--country', country, '--type', type, '--subtype', subtype, '--order', order, '--language', 'en-US'];
		const { stdout } = await this.callpower(['campaign', 'create', tenant.slug, '--name', name, ...kind, ...flags], { input });
		const id = Number(/^campaign (\d+) /m.exec(stdout)[1]);
		if (launch) await this.callpower(['campaign', 'launch', tenant.slug, String(id)]);
		tenant.latestCampaign = id;
		return id;
	}

	/** POST /call/create as an organization's page sends it, whatever the answer. */
	askForCall(tenant, { campaign = tenant.latestCampaign, phone = '+14155550123', place = this.country.place } = {}) {
		const body = { campaignId: campaign, userPhone: phone, userCountry: 'US', userLocation: place };
		return this.request(`/o/${tenant.slug}/call/create`, { body });
	}

	/** A call that is taken: {id, answer, plan, carrier_call}. */
	async createCall(tenant, options) {
		const answer = await this.askForCall(tenant, options);
		if (answer.status !== 200) throw new Error(`call/create: ${answer.status} ${answer.body}`);
		const row = await this.sql.row(`select plan, carrier_call from call_session where session_id = '${answer.json.session}'`);
		return { id: answer.json.session, answer: answer.json, ...row };
	}

	/** Whom a call from a place would reach, as the command line says it. */
	async plan(place = this.country.place) {
		const { country, type, subtype, order } = this.country;
		const args = ['lookup', country, '--type', type, '--subtype', subtype, '--order', order, '--postal-file', '-'];
		return JSON.parse((await this.callpower(args, { input: `${place}\n` })).stdout);
	}

	/** Starts `callpower serve` and waits until it answers. */
	async startServer(env = {}) {
		this.server = this.#start('server', program, ['serve'], this.environment(env));
		await until(`an answer of the server at ${this.publicUrl}`, async () => {
			if (!this.server.running) throw new Hopeless(`the server ended: ${JSON.stringify(this.server.exit)}\n${this.server.output().slice(-4000)}`);
			const answer = await fetch(`${this.publicUrl}/health`);
			if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
			return true;
		});
		return this.server;
	}

	/** Starts the carrier sandbox and makes the settings of servers started later point at it. options: see Carrier.start. */
	async startCarrier(options) {
		this.carrier = await Carrier.start({
			...options,
			transcript: join(this.logs, 'transcript.jsonl'),
			folder: this.logs,
			start: (name, command, args) => this.#start(name, command, args, this.environment()),
			until,
			Hopeless,
		});
		this.settings.CALLPOWER_CARRIER_URL = this.carrier.url;
		return this.carrier;
	}

	/** An HTTP request to the server: {status, headers, body, json}. body may be an object (JSON), URLSearchParams (form) or text. */
	async request(path, { method, headers = {}, body } = {}) {
		const sent = { ...headers };
		let raw = body;
		if (body instanceof URLSearchParams) {
			raw = body.toString();
			sent['content-type'] ??= 'application/x-www-form-urlencoded';
		} else if (body !== undefined && typeof body === 'object' && !(body instanceof Uint8Array)) {
			raw = JSON.stringify(body);
			sent['content-type'] ??= 'application/json';
		}
		const answer = await fetch(new URL(path, this.publicUrl), {
			method: method ?? (body === undefined ? 'GET' : 'POST'),
			headers: sent,
			body: raw,
			redirect: 'manual',
		});
		const text = await answer.text();
		const kind = answer.headers.get('content-type') ?? '';
		return { status: answer.status, headers: answer.headers, body: text, json: kind.startsWith('application/json') ? JSON.parse(text) : undefined };
	}

	/** Stops everything; throws where a program ended badly or a sanitizer reported something. */
	async close() {
		const problems = [];
		for (const started of this.programs.reverse()) {
			const wasRunning = started.running;
			try {
				const exit = await started.stop(20000 * patience);
				if (wasRunning && (exit.signal || exit.status !== 0)) problems.push(`${basename(started.log)}: ended with ${JSON.stringify(exit)}`);
			} catch (error) {
				problems.push(error.message);
			}
		}
		await this.cluster?.remove();
		for (const file of readdirSync(this.logs).filter((name) => name.endsWith('.log'))) {
			const text = readFileSync(join(this.logs, file), 'utf8');
			const at = text.search(sanitizerReport);
			if (at >= 0) problems.push(`${file}: ${text.slice(at, at + 6000)}`);
		}
		if (problems.length) throw new Error(problems.join('\n'));
	}
}
