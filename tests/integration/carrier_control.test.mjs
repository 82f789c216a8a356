// The sandbox's control API, its disorder on demand, its pace, its bounds, and its page's safety.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { carrierProgram, patience } from '../harness/places.mjs';
import { run } from '../harness/processes.mjs';
import { freePort, until } from '../harness/world.mjs';
import { one, Stage, supporter } from './carrier_stage.mjs';

let stage, carrier;

before(async () => {
	stage = await Stage.start({ flags: (origin) => ['--server', origin, '--campaign', '7', '--route', `https://call.example.org=${origin}`] });
	({ carrier } = stage);
});
after(async () => assert.deepEqual(await stage?.stop(), { status: 0, signal: null }));
afterEach(() => stage.clear());

const account = ['--account', `${one.sid}:${one.token}:${one.number}`];

/** A request with headers that fetch() does not let one set. */
function raw(path, { method = 'GET', headers = {}, body } = {}) {
	return new Promise((resolve, reject) => {
		const sent = request(new URL(path, carrier.url), { method, headers }, (answer) => {
			let text = '';
			answer.on('data', (part) => (text += part));
			answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
		});
		sent.on('error', reject);
		sent.end(body);
	});
}

/** Reads server-sent events until enough says so. */
async function listen(enough) {
	const answer = await fetch(`${carrier.url}/_sandbox/events`);
	assert.equal(answer.headers.get('content-type'), 'text/event-stream');
	const events = [];
	const done = (async () => {
		let text = '';
		for await (const part of answer.body) {
			text += Buffer.from(part).toString();
			for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
				const [, name, data] = /^event: (.*)\ndata: (.*)$/s.exec(text.slice(0, end)) ?? [];
				if (name) events.push({ name, data: JSON.parse(data) });
				if (name && enough(events)) return events;
			}
		}
		throw new Error('the stream ended');
	})();
	return { events, done };
}

test('a call tells its story, and streams it', async () => {
	stage.answers = { answer: '<Say language="en-US">Hello</Say><Dial action="done">+12025550101</Dial>', done: '<Say>Bye</Say>' };
	const { done } = await listen((events) => events.some(({ name, data }) => name === 'call' && data.settled));
	const { json } = await stage.post();
	await carrier.idle();
	const call = await carrier.call(json.sid);
	assert.deepEqual(call.story.filter(({ kind }) => kind !== 'callback').map(({ kind }) => kind),
		'ring answer document say dial ring answer dial-answer connected hangup end dial-end document say hangup end'.split(' '));
	const dial = call.story.find(({ kind }) => kind === 'dial');
	assert.deepEqual([dial.number, dial.leg, dial.caller_id, dial.step], ['+12025550101', call.legs[0].sid, one.number, 'answer']);
	const end = call.story.find(({ kind }) => kind === 'dial-end');
	assert.deepEqual([end.status, end.duration, end.bridged], ['completed', 20, true]);
	assert.deepEqual([call.status, call.to, call.from, call.direction], ['completed', supporter, one.number, 'outbound-api']);
	assert.deepEqual((await carrier.calls()).map(({ sid }) => sid), [json.sid]);
	const streamed = (await done).filter(({ name }) => name === 'story').map(({ data }) => data);
	assert.deepEqual(streamed.map(({ call: sid, ...entry }) => entry), call.story);
	assert.ok(streamed.every(({ call: sid }) => sid === json.sid));
});

test('a person answers, presses keys and hangs up', async () => {
	await carrier.scenario({ supporter: { outcome: 'interactive' }, target: { outcome: 'interactive' } });
	stage.answers = { answer: '<Gather numDigits="1" timeout="3600" action="go"/>', go: '<Dial action="done" timeout="600">+12025550101</Dial>' };
	const { sid } = (await stage.post({ Timeout: 600 })).json;
	const act = (leg, what, body = {}) => carrier.control(`calls/${leg}/${what}`, { body });
	await until('ringing', async () => (await carrier.call(sid)).status === 'ringing', { every_ms: 5 });
	assert.equal((await act(sid, 'answer')).status, 'in-progress');
	await until('the Gather', async () => (await carrier.call(sid)).story.some(({ kind }) => kind === 'gather'), { every_ms: 5 });
	await act(sid, 'keys', { keys: '4' });
	const ringing = async () => (await carrier.call(sid)).legs.find(({ status }) => status === 'ringing');
	const leg = await until('the office to ring', ringing, { every_ms: 5 });
	await act(leg.sid, 'answer');
	assert.equal((await carrier.call(leg.sid)).status, 'in-progress');
	await act(leg.sid, 'hangup');
	await carrier.idle();
	assert.equal(stage.seen('go')[0].params.Digits, '4');
	assert.equal(stage.seen('done')[0].params.DialCallStatus, 'completed');
	assert.equal(stage.seen('done')[0].params.DialBridged, 'true');
	assert.equal((await carrier.call(sid)).story.find(({ kind, leg: of }) => kind === 'hangup' && of === leg.sid).by, 'callee');
});

test('a scripted telephone is taken over', async () => {
	await carrier.scenario({ supporter: { answer_after: 86400 } });
	stage.answers = { answer: '<Pause length="3600"/>' };
	const { sid } = (await stage.post({ Timeout: 600 })).json;
	await until('ringing', async () => (await carrier.call(sid)).status === 'ringing', { every_ms: 5 });
	assert.equal((await carrier.call(sid)).interactive, false);
	const head = await carrier.control(`calls/${sid}/hangup`, { body: {} });
	assert.deepEqual([head.status, head.interactive], ['busy', true]);
});

test('what is asked wrongly is refused with a reason', async () => {
	const json = { 'content-type': 'application/json' };
	const { sid } = (await stage.post()).json;
	for (const [path, options, status, code] of [
		['/_sandbox/calls/CA0', {}, 404, 'no_such_call'],
		[`/_sandbox/calls/${sid}/sing`, { method: 'POST', headers: json, body: '{}' }, 404, 'no_such_act'],
		[`/_sandbox/calls/${sid}/keys`, { method: 'POST', headers: json, body: '{"keys":"1x"}' }, 400, 'bad_keys'],
		[`/_sandbox/calls/${sid}/keys`, { method: 'POST', headers: json, body: '{' }, 400, 'bad_json'],
		[`/_sandbox/calls/${sid}/hangup`, { method: 'POST', body: '{}' }, 415, 'not_json'],
		['/_sandbox/scenarios', { method: 'POST', headers: json, body: '{"supporter":{"tlak":1}}' }, 400, 'bad_scenario'],
		['/_sandbox/calls?limit=x', {}, 400, 'bad_limit'],
		['/_sandbox/idle?timeout_ms=x', {}, 400, 'bad_timeout'],
		['/_sandbox/calls', { headers: { host: 'sandbox.example.org' } }, 403, 'foreign_host'],
		['/', { headers: { host: 'sandbox.example.org' } }, 403, 'foreign_host'],
		['/_sandbox/reset', { method: 'POST', headers: { ...json, host: 'rebound.example:80' }, body: '{}' }, 403, 'foreign_host'],
	]) {
		const answer = await raw(path, options);
		assert.deepEqual([answer.status, JSON.parse(answer.text).error], [status, code], path);
	}
});

test('idle says how many calls run when time is over', async () => {
	await carrier.scenario({ supporter: { outcome: 'interactive' } });
	const { sid } = (await stage.post({ Timeout: 600 })).json;
	assert.deepEqual(await carrier.control('idle?timeout_ms=1', { status: 408 }), { idle: false, running: 1 });
	const waiting = carrier.idle();
	await carrier.control('reset', { body: {} });
	assert.equal((await waiting).idle, true);
	assert.equal((await raw(`/_sandbox/calls/${sid}`)).status, 404);
});

test('callbacks come late, twice, exchanged, or never', async () => {
	const events = { StatusCallback: `${stage.origin}/v/status`, StatusCallbackEvent: ['ringing', 'completed'] };
	stage.answers = { answer: '' };
	const told = async (scenario) => {
		await carrier.scenario(scenario);
		const before = stage.seen('status').length;
		const started = Date.now();
		await stage.post(events);
		await carrier.idle();
		return { statuses: stage.seen('status').slice(before).map(({ params }) => params.CallStatus), took: Date.now() - started };
	};
	assert.deepEqual((await told({ callbacks: { duplicate: true } })).statuses, ['ringing', 'ringing', 'completed', 'completed']);
	assert.deepEqual((await told({ callbacks: { reorder: true } })).statuses, ['completed', 'ringing']);
	assert.deepEqual((await told({ callbacks: { drop: true } })).statuses, []);
	const late = await told({ callbacks: { delay_ms: 100 } });
	assert.deepEqual(late.statuses, ['ringing', 'completed']);
	assert.ok(late.took >= 200, `${late.took} ms`);
});

test('a repeated callback carries the same token, and a lost one is repeated as its fragment asks', async () => {
	stage.answers = { answer: '', status: (webhook, response) => response.writeHead(stage.seen('status').length < 3 ? 503 : 204).end() };
	await stage.post({ StatusCallback: `${stage.origin}/v/status#rc=5&rp=5xx` });
	await carrier.idle();
	const tokens = stage.seen('status').map(({ headers }) => headers['i-twilio-idempotency-token']);
	assert.equal(tokens.length, 3);
	assert.equal(new Set(tokens).size, 1);
});

test('the server is away: a failed connect is tried once more, then the fallback', async () => {
	stage.answers = { fallback: '<Say>switchboard</Say>' };
	const dead = 'http://127.0.0.1:1/v/answer';
	const { sid } = (await stage.post({ Url: dead, FallbackUrl: `${stage.origin}/v/fallback` })).json;
	await carrier.idle();
	assert.equal(carrier.webhooks().filter(({ url }) => url === dead).length, 2);
	assert.deepEqual([stage.seen('fallback')[0].params.ErrorCode, stage.seen('fallback')[0].params.ErrorUrl], ['11205', dead]);
	assert.ok((await carrier.call(sid)).story.some(({ kind, text }) => kind === 'say' && text === 'switchboard'));
	assert.ok(carrier.transcript().some(({ url, status }) => url === dead && status === 0), 'an answer that never came has status 0');
});

test('a server that is silent is given up after the read time-out', async () => {
	stage.answers = { answer: () => {} };
	const started = Date.now();
	const { sid } = (await stage.post({ Url: `${stage.origin}/v/answer#rt=300&ct=100` })).json;
	await carrier.idle();
	assert.ok(Date.now() - started < 5000);
	assert.equal(stage.seen('answer').length, 1);
	assert.equal((await carrier.call(sid)).story.find(({ kind }) => kind === 'error').code, 11200);
});

test('nothing but loopback is called', async () => {
	for (const url of ['http://192.0.2.1/v/answer', 'http://example.org/v/answer', 'https://[2001:db8::1]/v/answer', 'http://127.0.0.1.example.org/']) {
		const { sid } = (await stage.post({ Url: url, StatusCallback: url })).json;
		await carrier.idle();
		const call = await carrier.call(sid);
		assert.equal(call.story.find(({ kind }) => kind === 'error').code, 11205, url);
		assert.ok(!carrier.transcript().some((message) => message.url === url), `${url} was asked`);
	}
});

test('a route leads a public address to loopback, signed for the public one', async () => {
	stage.answers = { answer: '' };
	await stage.post({ Url: 'https://call.example.org/v/answer' });
	await carrier.idle();
	const [webhook] = stage.seen('answer');
	assert.equal(webhook.headers.host, 'call.example.org');
	assert.equal(carrier.webhooks().at(-1).url, 'https://call.example.org/v/answer');
});

test('names below localhost are this machine, whatever a resolver would say', async () => {
	stage.answers = { answer: '' };
	const { port } = new URL(stage.origin);
	await stage.post({ Url: `http://one.localhost:${port}/v/answer` });
	await carrier.idle();
	assert.equal(stage.seen('answer')[0].headers.host, `one.localhost:${port}`);
});

test('a document of 64 KiB is the limit', async () => {
	stage.answers = { answer: `<Say>${'word '.repeat(14000)}</Say>` };
	const { sid } = (await stage.post()).json;
	await carrier.idle();
	assert.equal((await carrier.call(sid)).story.find(({ kind }) => kind === 'error').code, 11750);
});

test('the page asks the server for a call', async () => {
	let asked;
	stage.onRequest = (webhook, response) => {
		if (webhook.url !== '/call/create') return false;
		asked = JSON.parse(webhook.body);
		response.writeHead(asked.userLocation === '00000' ? 400 : 200, { 'content-type': 'application/json' }).end('{"description":"hm"}');
		return true;
	};
	assert.deepEqual(await carrier.control('ask', { body: { phone: supporter, location: '94110' } }), { status: 200, answer: { description: 'hm' } });
	assert.deepEqual(asked, { campaignId: 7, userPhone: supporter, userLocation: '94110', userCountry: 'US' });
	const refused = await carrier.control('ask', { body: { phone: supporter, location: '00000' }, status: 502 });
	assert.deepEqual(refused, { status: 400, answer: { description: 'hm' } });
	assert.equal((await raw('/_sandbox/ask', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })).status, 400);
});

test('the page is self-contained and locked down', async () => {
	const page = await raw('/');
	assert.equal(page.status, 200);
	assert.match(page.headers['content-security-policy'], /default-src 'none'/);
	assert.doesNotMatch(page.headers['content-security-policy'], /unsafe|https?:/);
	const names = [...page.text.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, name]) => name);
	assert.ok(names.length >= 4);
	for (const name of names) {
		assert.match(name, /^[a-z]+\.[a-z]+$/, 'files of its own only');
		assert.equal((await raw(`/${name}`)).status, 200, name);
	}
	assert.doesNotMatch(page.text, / style=| on[a-z]+=/);
	assert.equal((await raw('/main.c')).status, 404);
});

test('pace: calls wait their turn, and queue_time says how long', async () => {
	const paced = await Stage.start({ speed: 10, flags: ['--calls-per-second', '2'] });
	try {
		await paced.carrier.scenario({ supporter: { outcome: 'busy', answer_after: 0 } });
		const times = [];
		for (let i = 0; i < 4; ++i) times.push(Number((await paced.post()).json.queue_time));
		assert.equal(times[0], 0);
		assert.ok(times[3] > times[1] && times[3] <= 1500, String(times));
		await paced.carrier.idle();
		const started = (await paced.carrier.calls()).map(({ ended }) => Date.parse(ended)).sort((a, b) => a - b);
		assert.equal(started.length, 4);
	} finally {
		assert.deepEqual(await paced.stop(), { status: 0, signal: null });
	}
});

test('wrong usage is told, and nothing listens', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'carrier-usage-'));
	writeFileSync(join(folder, 'bad.json'), '{"supporter":{"outcome":"maybe"}}');
	for (const [args, word, status = 2] of [
		[[], 'account'],
		[[...account, '--listen', '0.0.0.0:0'], 'loopback'],
		[[...account, '--listen', '192.0.2.1:8090'], 'loopback'],
		[[...account, '--listen', '127.0.0.1'], 'port'],
		[[...account, '--server', 'http://192.0.2.1:80', '--campaign', '1'], 'loopback'],
		[[...account, '--server', 'http://127.0.0.1:80'], 'campaign'],
		[[...account, '--speed', '0'], 'speed'],
		[[...account, '--sped', '1'], 'sped'],
		[[...account, '--calls', '5'], 'load'],
		[['load', ...account, '--server', 'http://127.0.0.1:80', '--campaign', '1', '--calls', '5'], 'max-seconds'],
		[[...account, 'loads'], 'loads'],
		[['--account', 'AC1:t:+15005550006'], 'AC1', 1],
		[['--account', `${one.sid}:t:555`], '555', 1],
		[[...account, ...account], 'already', 1],
		[[...account, '--route', 'https://call.example.org=http://192.0.2.1'], 'loopback', 1],
		[[...account, '--scenario', join(folder, 'bad.json')], 'outcome', 1],
		[[...account, '--scenario', join(folder, 'missing.json')], 'missing.json', 1],
		[[...account, '--listen', '127.0.0.1:0', '--transcript', join(folder, 'no', 'such')], 'transcript', 1],
	]) {
		const done = await run(carrierProgram, args, { timeout_ms: 20000 });
		assert.equal(done.status, status, `${args.join(' ')}: ${done.stderr}`);
		assert.match(done.stderr, new RegExp(word), args.join(' '));
		assert.doesNotMatch(done.stdout, /listening/);
	}
	rmSync(folder, { recursive: true });
});

test('accounts and scenario come from files, and the address goes to one', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'carrier-files-'));
	const accounts = [{ sid: `AC${'9'.repeat(32)}`, token: 'nine', name: 'Nine', numbers: ['+15005550009'] }];
	writeFileSync(join(folder, 'accounts.json'), JSON.stringify({ accounts }));
	writeFileSync(join(folder, 'scenario.json'), JSON.stringify({ supporter: { outcome: 'busy' } }));
	const flags = ['--accounts', join(folder, 'accounts.json'), '--scenario', join(folder, 'scenario.json'), '--keep', '2'];
	const other = await Stage.start({ flags });
	try {
		const nine = { sid: `AC${'9'.repeat(32)}`, token: 'nine', number: '+15005550009' };
		for (let i = 0; i < 4; ++i) {
			assert.equal((await other.post({}, nine)).status, 201);
			await other.carrier.idle();
		}
		const calls = await other.carrier.calls();
		assert.deepEqual(calls.map(({ status }) => status), ['busy', 'busy'], 'two are kept');
		await other.carrier.scenario({ supporter: {} });
		await other.carrier.reset();
		assert.equal((await other.carrier.control('scenarios')).supporter.outcome, 'busy', 'a reset returns to the file');
		assert.match(readFileSync(other.carrier.program.log, 'utf8'), /^listening on http:\/\/127\.0\.0\.1:\d+$/m);
	} finally {
		assert.deepEqual(await other.stop(), { status: 0, signal: null });
		rmSync(folder, { recursive: true });
	}
});

test('it ends at once with a webhook under way, a listener and somebody waiting', async () => {
	const other = await Stage.start();
	try {
		other.answers = { answer: () => {} };
		await other.post();
		await until('the webhook', () => other.seen('answer').length === 1, { every_ms: 5 });
		const stream = await fetch(`${other.carrier.url}/_sandbox/events`);
		const waiting = fetch(`${other.carrier.url}/_sandbox/idle`).then((answer) => answer.status, () => 'refused');
		const started = Date.now();
		other.carrier.program.child.kill('SIGTERM');
		assert.ok([408, 'refused'].includes(await waiting), 'answered, or too late to be let in');
		await stream.text();
		assert.deepEqual(await other.carrier.program.ended, { status: 0, signal: null });
		assert.ok(Date.now() - started < 4000 * patience, `${Date.now() - started} ms`);
	} finally {
		await other.stop();
	}
});

test('the load mode asks within its bounds and counts what came of it', async () => {
	const load = { most: 0, now: 0, numbers: new Set(), locations: new Set() };
	const port = await freePort();
	const own = `http://127.0.0.1:${port}`;
	stage.onRequest = (webhook, response) => {
		if (webhook.url !== '/o/one/call/create') return false;
		const { userPhone, userLocation, campaignId, userCountry } = JSON.parse(webhook.body);
		assert.deepEqual([campaignId, userCountry, webhook.headers.host], [3, 'US', 'one.example.org']);
		assert.match(userPhone, /^\+1[2-9]\d\d55501\d\d$/);
		load.numbers.add(userPhone);
		load.locations.add(userLocation);
		load.most = Math.max(load.most, ++load.now);
		if (load.numbers.size % 10 === 0) {
			--load.now;
			response.writeHead(429, { 'content-type': 'application/json' }).end('{"error":"too_many"}');
			return true;
		}
		const body = new URLSearchParams({ To: userPhone, From: one.number, Url: `${stage.origin}/v/answer`, StatusCallback: `${stage.origin}/v/status` });
		fetch(`${own}/2010-04-01/Accounts/${one.sid}/Calls.json`, {
			method: 'POST',
			headers: { authorization: `Basic ${Buffer.from(`${one.sid}:${one.token}`).toString('base64')}` },
			body,
		}).then((answer) => response.writeHead(answer.status === 201 ? 200 : 500).end('{}'));
		return true;
	};
	stage.answers = {
		answer: '<Dial action="done">+12025550101</Dial>',
		done: '',
		status: (webhook, response) => {
			--load.now;
			response.writeHead(204).end();
		},
	};
	const flags = '--campaign 3 --calls 40 --concurrency 6 --rate 2000 --max-seconds 60 --speed 10000 --path /o/one/call/create --host one.example.org';
	const places = ['--location', '94110', '--location', '10001'];
	const done = await run(carrierProgram,
		['load', ...account, '--listen', `127.0.0.1:${port}`, '--server', stage.origin, ...flags.split(' '), ...places]);
	const figures = JSON.parse(done.stdout);
	assert.deepEqual([figures.calls, figures.created, figures.ended], [40, 36, 36]);
	assert.deepEqual([figures.outcomes, figures.targets, figures.errors], [{ completed: 36 }, { completed: 36 }, { '429 too_many': 4 }]);
	assert.deepEqual([figures.webhooks, figures.webhook_errors], [36 * 3, 0]);
	assert.ok(figures.latency_ms.p50 > 0 && figures.latency_ms.p50 <= figures.latency_ms.p99 && figures.webhooks_per_second > 0);
	assert.equal(done.status, 1, 'not every call was made');
	assert.equal(load.numbers.size, 40);
	assert.deepEqual([...load.locations].sort(), ['10001', '94110']);
	assert.ok(load.most <= 6, `${load.most} at a time`);
});

test('the load mode stops when its time is over', async () => {
	stage.onRequest = (webhook) => webhook.url === '/call/create'; // never answered
	const started = Date.now();
	const flags = '--listen 127.0.0.1:0 --campaign 3 --calls 1000 --concurrency 3 --rate 1000 --max-seconds 1'.split(' ');
	const done = await run(carrierProgram, ['load', ...account, '--server', stage.origin, ...flags]);
	assert.ok(Date.now() - started < 6000 * patience);
	assert.deepEqual([JSON.parse(done.stdout).created, done.status], [0, 1]);
});
