// What strangers, careless operators and a broken world do to a server, beyond what the other files try: each was once a fault.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import twilio from 'twilio';
import { account } from '../harness/carrier.mjs';
import { program } from '../harness/places.mjs';
import { run } from '../harness/processes.mjs';
import { until, World } from '../harness/world.mjs';

const world = await World.make(import.meta.url);
let one, two, carrier;
let queueTime = '0';
/** True where the carrier takes requests and never answers. */
let silent = false;
/** How the carrier answers GET of a call, by account: a status and a body. */
const answers = {};

/** A carrier that takes every call and does nothing more. */
function startCarrier() {
	let calls = 0;
	return new Promise((resolve) => {
		const server = createServer((request, response) => {
			request.resume();
			request.on('end', () => {
				const [sid] = /AC[0-9a-f]{32}/.exec(request.url);
				if (silent) return;
				const [status, body] = request.method === 'GET' ? answers[sid] : [201, { sid: `CA${String(++calls).padStart(32, '0')}`, status: 'queued', queue_time: queueTime }];
				response.writeHead(status, { 'content-type': 'application/json' });
				response.end(JSON.stringify(body));
			});
		}).listen(0, '127.0.0.1', () => resolve(server));
	});
}

before(async () => {
	carrier = await startCarrier();
	world.settings.CALLPOWER_CARRIER_URL = `http://127.0.0.1:${carrier.address().port}`;
	world.settings.CALLPOWER_DATABASE_DEADLINE_MS = '1000';
	world.settings.CALLPOWER_RECONCILE_AFTER_S = '1000';
	one = await world.tenant({ slug: 'one', account: account(1) });
	two = await world.tenant({ slug: 'two', account: account(2) });
	await world.campaign(one);
	await world.campaign(two);
	await world.startServer();
});
after(async () => {
	carrier?.closeAllConnections();
	carrier?.close();
	await world.close();
});

/** A webhook as the carrier signs it. */
function webhook(tenant, session, step, fields) {
	const url = `${world.publicUrl}/voice/${tenant.voiceToken}/${session.id}/${step}`;
	const form = { AccountSid: tenant.account.sid, CallSid: session.carrier_call, From: tenant.account.number, To: '+14155550123', ...fields };
	const signature = twilio.getExpectedTwilioSignature(tenant.account.token, url, form);
	return world.request(url, { body: new URLSearchParams(form), headers: { 'x-twilio-signature': signature } });
}

const row = (session) => world.sql.row(`select *, ringing_at > ended_at as rang_after_end, answered_at > ended_at as answered_after_end from call_session where session_id = '${session.id}'`);

test('telephones of other countries behind +1, and those that cost extra, are not rung', async () => {
	for (const phone of ['+12425550123', '876 555 0123', '1-900-555-0123']) {
		const answer = await world.askForCall(one, { phone });
		assert.equal(answer.status, 400, answer.body);
		assert.equal(answer.json.error, 'country_not_served');
	}
	assert.equal((await world.askForCall(one, { phone: '+14165550123' })).status, 200, 'Canada shares the plan');
});

test('a message that the carrier would not speak is refused when it is written, not when it is heard', async () => {
	const settings = (length) => {
		const { country, type, subtype, order } = world.country;
		return JSON.stringify({ country, type, subtype, order, language: 'en-US', numbers: [one.account.number], prompts: { msg_intro: 'x'.repeat(length) } });
	};
	const create = (name, length, status) => world.callpower(['campaign', 'create', 'one', '--name', name, '--settings', '-'], { input: settings(length), status });
	assert.match((await create('too long', 3001, 1)).stderr, /msg_intro may have at most 3000 bytes/);
	await create('long', 3000, 0);
});

describe('a table of the database is locked, as by a migration', () => {
	let psql, session;
	before(async () => {
		session = await world.createCall(one);
		await webhook(one, session, 'answer', { CallStatus: 'in-progress' });
		psql = spawn('psql', ['--no-psqlrc', '--quiet', `--dbname=${world.sql.conninfo}`]);
		psql.stdin.write('begin; lock table call_session in access exclusive mode;\n');
		await until('the lock', async () => (await world.sql.value("select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted and relation = 'call_session'::regclass")) === 1);
	});
	after(() => psql.kill());

	test('the caller is asked to wait, a new one to try again', async () => {
		const answer = await webhook(one, session, 'human-try-1', { Digits: '1' });
		assert.match(answer.body, /<Pause.*<Redirect[^>]*>[^<]*human-try-1\?wait=1&amp;Digits=1/);
		assert.equal((await webhook(one, session, 'status', { CallStatus: 'ringing' })).status, 503);
		const refused = await world.askForCall(one);
		assert.equal(refused.status, 503, refused.body);
		assert.equal(refused.json.error, 'unavailable');
	});

	test('and the call goes on', async () => {
		psql.stdin.end('rollback;\n');
		await until('the lock to be gone', async () => (await webhook(one, session, 'human-try-1?wait=1&Digits=1', {})).body.includes('<Dial'));
		assert.equal((await row(session)).position, 'target-1-try-1');
	});
});

test('numbers of the carrier that are none are none', async () => {
	for (queueTime of ['99999999999999999999999', -5, 1e15, {}]) {
		const session = await world.createCall(one);
		assert.equal((await row(session)).queue_ms, 0);
	}
	queueTime = '0';
});

test('what is reported late did not happen after the end', async () => {
	const session = await world.createCall(one);
	await webhook(one, session, 'status', { CallStatus: 'completed', CallDuration: '3' });
	await webhook(one, session, 'status', { CallStatus: 'ringing' });
	await webhook(one, session, 'answer', { CallStatus: 'in-progress' });
	const { status, duration_s, rang_after_end, answered_after_end } = await row(session);
	assert.deepEqual({ status, duration_s, rang_after_end, answered_after_end }, { status: 'completed', duration_s: 3, rang_after_end: false, answered_after_end: false });
});

test('where the auth token cannot be opened, the carrier is asked to come back, and nobody is believed', async () => {
	const session = await world.createCall(two);
	const token = "where tenant_id = (select tenant_id from tenant where slug = 'two') and name = 'carrier_auth_token'";
	await world.sql.script(`create table kept as select * from tenant_secret ${token}; update tenant_secret set sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1) ${token};
		update tenant set updated_at = app_now() where slug = 'two'`);
	const answer = await until('the damaged token to be tried', async () => {
		const next = await webhook(two, session, 'answer', { CallStatus: 'in-progress' });
		return next.body.includes('wait=1') && next;
	});
	assert.equal(answer.status, 200);
	assert.equal((await webhook(two, session, 'status', { CallStatus: 'completed' })).status, 503);
	await world.sql.script(`update tenant_secret set sealed = (select sealed from kept) ${token}; update tenant set updated_at = app_now() where slug = 'two'; drop table kept`);
	await until('the token to be right again', async () => (await webhook(two, session, 'status', { CallStatus: 'completed' })).status === 204);
});

test('an address on which another server listens is refused', async () => {
	const second = await run(program, ['serve'], { env: world.environment() });
	assert.equal(second.status, 1);
	assert.match(second.stderr, /cannot listen on 127\.0\.0\.1:\d+: Address already in use/);
});

test('calls that nothing can be learned of do not keep others from being ended', async () => {
	answers[one.account.sid] = [401, { code: 20003, message: 'Authenticate', status: 401 }];
	const lost = await world.createCall(one);
	const session = await world.createCall(two);
	answers[two.account.sid] = [200, { sid: session.carrier_call, status: 'completed', duration: '7' }];
	await world.sql.script(`
		insert into call_session (tenant_id, session_id, campaign_id, campaign_revision, phone_hash, plan, from_number, carrier_call, status, created_at, updated_at)
		select tenant_id, gen_random_uuid(), campaign_id, campaign_revision, phone_hash, plan, from_number, carrier_call, 'queued', created_at - interval '1 hour', created_at - interval '1 hour'
		from call_session, generate_series(1, 250) where session_id = '${lost.id}'`);
	const old = await world.createCall(one);
	await world.sql.script(`update call_session set created_at = created_at - interval '2 days', updated_at = updated_at - interval '2 days' where session_id = '${old.id}'`);
	await world.server.stop();
	await world.startServer({ CALLPOWER_RECONCILE_AFTER_S: '1' });
	await until('the call to be ended', async () => (await row(session)).status === 'completed');
	assert.equal((await row(session)).duration_s, 7);
	assert.equal((await row(lost)).ended_at, null);
	const { status, reason } = await until('the call of two days ago to be given up', async () => {
		const given = await row(old);
		return given.ended_at && given;
	});
	assert.deepEqual({ status, reason }, { status: 'failed', reason: 'carrier_silent' });
});

test('a server that is stopped while the carrier hangs answers whoever waits, ends in order and leaves nothing behind', async () => {
	await world.server.stop();
	await world.startServer({ CALLPOWER_SHUTDOWN_PATIENCE_MS: '200', CALLPOWER_RECONCILE_AFTER_S: '1' });
	silent = true;
	const waiting = Array.from({ length: 8 }, () => world.askForCall(one));
	await until('the rows', async () => (await world.sql.value("select count(*) from call_session where status = 'planned'")) === 8);
	const exit = await world.server.stop();
	for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 503, answer.body);
	assert.deepEqual(exit, { status: 0, signal: null }, world.server.output().slice(-4000));
});

describe('a careless operator is told what is wrong, by name, and the server does not start', () => {
	const refused = {
		'an empty connection string': [{ CALLPOWER_DATABASE_APP: '' }, /the setting CALLPOWER_DATABASE_APP is missing/],
		'a string that is none': [{ CALLPOWER_DATABASE_OPERATOR: 'nonsense' }, /CALLPOWER_DATABASE_OPERATOR: /],
		'a superuser': [() => ({ CALLPOWER_DATABASE_APP: world.sql.conninfo }), /CALLPOWER_DATABASE_APP signs in as callpower_superuser, which row-level security does not bind/],
		"the tables' owner": [() => ({ CALLPOWER_DATABASE_APP: world.settings.CALLPOWER_DATABASE_OWNER }), /CALLPOWER_DATABASE_APP signs in as callpower_owner, which is another role/],
		'the two roles exchanged': [() => ({ CALLPOWER_DATABASE_OPERATOR: world.settings.CALLPOWER_DATABASE_APP }), /CALLPOWER_DATABASE_OPERATOR signs in as callpower_app/],
		'a host name for a database': [() => ({ CALLPOWER_DATABASE_APP: `${world.settings.CALLPOWER_DATABASE_APP} host=localhost` }), /CALLPOWER_DATABASE_APP/],
		'a public address with a query': [{ CALLPOWER_PUBLIC_URL: 'http://call.example.org?a=b' }, /CALLPOWER_PUBLIC_URL/],
		'a cache folder that is a file': [{ CALLPOWER_CACHE_DIR: '/etc/passwd' }, /the cache folder \/etc\/passwd is no folder/],
		'a socket in a folder that is not there': [{ CALLPOWER_LISTEN: 'unix:/nonexistent/socket' }, /cannot listen on unix:\/nonexistent\/socket: No such file/],
	};
	for (const [what, [settings, sentence]] of Object.entries(refused)) {
		test(what, async () => {
			const done = await world.callpower(['serve'], { env: typeof settings === 'function' ? settings() : settings, status: 1 });
			assert.match(done.stderr, sentence);
		});
	}

	test('another master key: the server says at start whose secrets it does not open', async () => {
		const file = join(world.logs, 'other.key');
		await world.callpower(['key', 'new', file]);
		await world.startServer({ CALLPOWER_MASTER_KEY_FILE: file });
		await until('the complaint', () => world.server.output().includes('the master key does not open the secrets of 2 of 2 organizations (the first is one)'));
		await world.server.stop();
	});
});

test('a database that takes connections and says nothing does not keep a server from starting', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'cp-silent-'));
	const database = createNetServer((socket) => socket.on('error', () => {}));
	await new Promise((resolve) => database.listen(join(folder, '.s.PGSQL.5432'), resolve));
	const conninfo = `host=${folder} dbname=callpower`;
	const server = spawn(program, ['serve'], { env: world.environment({ CALLPOWER_DATABASE_APP: conninfo, CALLPOWER_DATABASE_OPERATOR: conninfo }), stdio: 'ignore' });
	const ended = new Promise((resolve) => server.on('exit', (status) => resolve(status)));
	try {
		const answer = await until('an answer', async () => {
			assert.equal(server.exitCode, null);
			return world.request('/health');
		});
		assert.equal(answer.status, 503);
	} finally {
		server.kill('SIGTERM');
		assert.equal(await ended, 0);
		database.close();
		rmSync(folder, { recursive: true });
	}
});
