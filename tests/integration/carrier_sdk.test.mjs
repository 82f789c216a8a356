// The carrier sandbox against Twilio's own SDK: its client drives the REST API, its validator judges every webhook that is signed.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, afterEach, before, test } from 'node:test';
import { until } from '../harness/world.mjs';
import { one, Stage, supporter, two } from './carrier_stage.mjs';

const require = createRequire(import.meta.url);
const twilio = require('twilio');
const RequestClient = require('twilio/lib/base/RequestClient');

let stage, carrier, origin, client;

/** The SDK's client, pointed at the sandbox: every request goes through the SDK's own HTTP client, with another origin. */
class LocalClient extends RequestClient {
	request(options) {
		const { pathname, search } = new URL(options.uri);
		return super.request({ ...options, uri: carrier.url + pathname + search });
	}
}
const clientOf = (account, token = account.token) => twilio(account.sid, token, { httpClient: new LocalClient() });

/** Whether the SDK takes the webhook for Twilio's own. */
function isAuthentic(webhook, token) {
	return twilio.validateRequest(token, webhook.headers['x-twilio-signature'], origin + webhook.url, webhook.params);
}

before(async () => {
	stage = await Stage.start();
	({ carrier, origin } = stage);
	client = clientOf(one);
});
after(async () => assert.deepEqual(await stage?.stop(), { status: 0, signal: null }));
afterEach(() => stage.clear());

const create = (more = {}) => client.calls.create({ to: supporter, from: one.number, url: `${origin}/v/answer`, ...more });
const seen = (step) => stage.seen(step);

async function refused(promise, status, code) {
	await assert.rejects(promise, (error) => {
		assert.equal(error.constructor.name, 'RestException');
		assert.deepEqual({ status: error.status, code: error.code }, { status, code }, error.message);
		assert.equal(error.moreInfo, `https://www.twilio.com/docs/errors/${code}`);
		return true;
	});
}

test('the client creates a call, follows it and finds it ended', async () => {
	stage.answers = { answer: '<Dial action="done"><Number>+12025550101</Number></Dial>', done: '<Say>Bye</Say>' };
	const call = await create();
	assert.match(call.sid, /^CA[0-9a-f]{32}$/);
	assert.equal(call.status, 'queued');
	assert.equal(call.direction, 'outbound-api');
	assert.equal(call.accountSid, one.sid);
	assert.ok(call.dateCreated instanceof Date && Math.abs(call.dateCreated - Date.now()) < 5000, String(call.dateCreated));
	assert.equal(call.queueTime, '0');
	assert.match(call.subresourceUris.recordings, new RegExp(`/Calls/${call.sid}/Recordings.json$`));
	await carrier.idle();
	const ended = await client.calls(call.sid).fetch();
	assert.equal(ended.status, 'completed');
	assert.equal(ended.toFormatted, '(415) 555-0123');
	const talk = 3 + 20; // ringing and talking, in virtual seconds
	assert.ok(Number(ended.duration) >= talk && Number(ended.duration) <= talk + 2, ended.duration);
	assert.ok(ended.startTime instanceof Date && ended.endTime - ended.startTime >= talk * 1000);
	const legs = await client.calls.list({ parentCallSid: call.sid });
	assert.deepEqual(legs.map(({ to, status, direction, duration }) => ({ to, status, direction, duration })),
		[{ to: '+12025550101', status: 'completed', direction: 'outbound-dial', duration: '20' }]);
});

test('every webhook is signed as the validator wants it', async () => {
	await carrier.scenario({ supporter: { keys: ['', '12*#'] }, callbacks: { duplicate: true } });
	stage.answers = {
		answer: `<Gather action="empty?name=Pe%C3%B1a+O%27Brien&amp;a=1&amp;a=2" actionOnEmptyResult="true" timeout="1"/>`,
		empty: '<Gather action="keys" method="GET" finishOnKey="#"/>',
		keys: '<Dial action="dialled#rc=3&amp;rp=all"><Number url="whisper" statusCallback="leg" '
			+ 'statusCallbackEvent="initiated ringing answered completed">+12025550101</Number></Dial>',
		whisper: '<Say language="es-MX">Le llama una persona</Say>',
		dialled: '',
	};
	await create({
		statusCallback: `${origin}/v/status?x=%20y#rc=5&rp=ct,rt,5xx`,
		statusCallbackEvent: ['initiated', 'ringing', 'answered', 'completed'],
	});
	await carrier.idle();
	const steps = stage.webhooks.map(({ step }) => step);
	for (const step of ['answer', 'empty', 'keys', 'whisper', 'dialled']) assert.equal(seen(step).length, 1, `${step} among ${steps}`);
	assert.equal(seen('status').length, 8);
	assert.equal(seen('leg').length, 8);
	for (const webhook of stage.webhooks) {
		assert.ok(isAuthentic(webhook, one.token), `${webhook.step}: the SDK refuses the signature of ${webhook.url} ${webhook.body}`);
		assert.ok(!isAuthentic(webhook, two.token), `${webhook.step}: signed with any token`);
		assert.ok(!webhook.url.includes('#'), webhook.url);
		assert.match(webhook.headers['i-twilio-idempotency-token'], /^[0-9a-f-]{36}$/);
		assert.equal(webhook.headers['user-agent'], 'TwilioProxy/1.1');
	}
	const [empty] = seen('empty');
	assert.equal(empty.params.Digits, '');
	assert.ok(empty.body.includes('FromCity=&'), 'an empty value is sent and signed');
	const [keys] = seen('keys');
	assert.equal(keys.method, 'GET');
	assert.equal(new URL(keys.url, origin).searchParams.get('Digits'), '12*');
	assert.equal(new URL(keys.url, origin).searchParams.get('FinishedOnKey'), '#');
	assert.ok(!isAuthentic({ ...empty, params: { ...empty.params, Digits: '1' } }, one.token), 'an altered value must not pass');
});

test('repeated and non-ASCII values are signed as the validator wants them', async () => {
	// A redirect of HTTP repeats the form at an address with a query of its own; ErrorUrl carries what was asked for.
	stage.answers = {
		answer: (webhook, response) => {
			response.writeHead(307, { location: '/v/m%C3%B6ved?b=2&b=1&b=2&name=%E9%9B%BB' }).end();
		},
		'm%C3%B6ved': (webhook, response) => {
			response.writeHead(500).end('no');
		},
		fallback: '<Hangup/>',
	};
	await refused(create({ fallbackUrl: `${origin}/v/fallback?q=Peña` }), 400, 21205);
	await create({ fallbackUrl: `${origin}/v/fallback?q=Pe%C3%B1a` });
	await carrier.idle();
	for (const step of ['answer', 'm%C3%B6ved', 'fallback']) {
		assert.equal(seen(step).length, 1, step);
	}
	for (const webhook of stage.webhooks) assert.ok(isAuthentic(webhook, one.token), webhook.url);
	const [fallback] = seen('fallback');
	assert.equal(fallback.params.ErrorCode, '11200');
	assert.equal(fallback.params.ErrorUrl, `${origin}/v/m%C3%B6ved?b=2&b=1&b=2&name=%E9%9B%BB`);
});

test('status callbacks tell the course of the call', async () => {
	stage.answers = { answer: '<Pause length="100"/>' };
	await create({ statusCallback: `${origin}/v/status`, statusCallbackEvent: ['initiated', 'ringing', 'answered', 'completed'] });
	await carrier.idle();
	const told = seen('status').map(({ params }) => params);
	assert.deepEqual(told.map(({ CallStatus, SequenceNumber }) => [CallStatus, SequenceNumber]),
		[['initiated', '0'], ['ringing', '1'], ['in-progress', '2'], ['completed', '3']]);
	assert.equal(told[3].CallDuration, '100');
	assert.equal(told[3].Duration, '2');
	assert.ok(!Number.isNaN(Date.parse(told[3].Timestamp)));
	assert.equal(told[3].CallbackSource, 'call-progress-events');
});

test('the default event is completed alone', async () => {
	stage.answers = { answer: '' };
	await create({ statusCallback: `${origin}/v/status` });
	await carrier.idle();
	assert.deepEqual(seen('status').map(({ params }) => [params.CallStatus, params.SequenceNumber]), [['completed', '0']]);
});

test('errors are RestExceptions with Twilio’s codes', async () => {
	await refused(clientOf(one, 'wrong').calls.create({ to: supporter, from: one.number, url: `${origin}/v/answer` }), 401, 20003);
	await refused(clientOf(one, two.token).calls.list(), 401, 20003);
	await refused(clientOf({ sid: `AC${'3'.repeat(32)}`, token: 'x' }).calls.list(), 401, 20003);
	await refused(client.calls(`CA${'0'.repeat(32)}`).fetch(), 404, 20404);
	await refused(client.queues.list(), 404, 20404);
	await refused(create({ to: '' }), 400, 21201);
	await refused(create({ to: '555' }), 400, 21211);
	await refused(create({ from: '+15005550001' }), 400, 21210);
	await refused(create({ from: two.number }), 400, 21210);
	await refused(create({ from: 'x' }), 400, 21212);
	await refused(create({ url: undefined }), 400, 21205);
	await refused(create({ url: 'not-a-url' }), 400, 21205);
	await refused(create({ fallbackUrl: '/relative' }), 400, 21205);
	await refused(create({ statusCallback: 'http://under_score.example/' }), 400, 21609);
	await refused(create({ method: 'PUT' }), 400, 21206);
	await refused(create({ timeout: 601 }), 400, 20001);
	await refused(create({ timeout: 0 }), 400, 20001);
	await refused(create({ twiml: 'x'.repeat(4001) }), 400, 20001);
	await refused(create({ statusCallbackEvent: ['ringing', 'done'] }), 400, 21626);
	await refused(create({ record: true }), 400, 20001);
	assert.deepEqual(await client.calls.list(), [], 'nothing was created');
});

test('numbers that cannot be called, and too many requests', async () => {
	await carrier.scenario({
		phones: {
			'+14155550101': { outcome: 'invalid' },
			'+14155550102': { outcome: 'unreachable' },
			'+14155550103': { outcome: 'region' },
			'+14155550104': { outcome: 'blocked' },
		},
		rest: { fail_next: 1 },
	});
	await refused(create({ to: '+14155550105' }), 429, 20429);
	await refused(create({ to: '+14155550101' }), 400, 21217);
	await refused(create({ to: '+14155550102' }), 400, 21214);
	await refused(create({ to: '+14155550103' }), 400, 21215);
	await refused(create({ to: '+14155550104' }), 400, 21216);
});

test('a call in progress is redirected and ended', async () => {
	await carrier.scenario({ supporter: { outcome: 'interactive' } });
	stage.answers = { answer: '<Dial action="never" timeout="600">+12025550101</Dial>', elsewhere: '<Gather timeout="3600"/>' };
	await carrier.scenario({ target: { outcome: 'interactive' } });
	const call = await create({ timeout: 600, statusCallback: `${origin}/v/status` });
	await until('ringing', async () => (await client.calls(call.sid).fetch()).status === 'ringing', { every_ms: 5 });
	await refused(client.calls(call.sid).update({ url: `${origin}/v/elsewhere` }), 400, 21220);
	await carrier.control(`calls/${call.sid}/answer`, { body: {} });
	await until('the dial', async () => (await carrier.call(call.sid)).legs.length === 1, { every_ms: 5 });
	assert.equal((await client.calls(call.sid).update({ status: 'canceled' })).status, 'in-progress', 'canceled leaves it alone');
	await refused(client.calls(call.sid).remove(), 409, 20409);
	await client.calls(call.sid).update({ url: `${origin}/v/elsewhere`, method: 'POST' });
	await until('the new document', () => seen('elsewhere').length === 1, { every_ms: 5 });
	assert.equal((await carrier.call(call.sid)).legs[0].status, 'canceled');
	assert.equal((await client.calls(call.sid).update({ status: 'completed' })).status, 'completed');
	await carrier.idle();
	assert.equal(seen('never').length, 0);
	assert.equal(seen('status').length, 1);
	await refused(client.calls(call.sid).update({ twiml: '<Response/>' }), 400, 21220);
	assert.equal(await client.calls(call.sid).remove(), true);
	await refused(client.calls(call.sid).fetch(), 404, 20404);
});

test('a ringing call is canceled', async () => {
	await carrier.scenario({ supporter: { outcome: 'interactive' } });
	const call = await create({ timeout: 600, statusCallback: `${origin}/v/status` });
	await until('ringing', async () => (await client.calls(call.sid).fetch()).status === 'ringing', { every_ms: 5 });
	assert.equal((await client.calls(call.sid).update({ status: 'canceled' })).status, 'canceled');
	await carrier.idle();
	assert.equal(seen('answer').length, 0);
	assert.equal(seen('status')[0].params.CallStatus, 'canceled');
});

test('TwiML given with the call is performed', async () => {
	const call = await client.calls.create({ to: supporter, from: one.number, twiml: '<Response><Say>Hello</Say></Response>' });
	await carrier.idle();
	assert.deepEqual((await carrier.call(call.sid)).story.filter(({ kind }) => kind === 'say').map(({ text }) => text), ['Hello']);
});

test('lists are paged and filtered, and show one account only', async () => {
	stage.answers = { answer: '' };
	const numbers = Array.from({ length: 7 }, (_, i) => `+1415555011${i}`);
	for (const to of numbers) await create({ to });
	await clientOf(two).calls.create({ to: supporter, from: two.number, url: `${origin}/v/answer` });
	await carrier.idle();
	const all = await client.calls.list({ pageSize: 3 });
	assert.deepEqual(all.map(({ to }) => to), [...numbers].reverse());
	assert.equal((await client.calls.list({ pageSize: 3, limit: 4 })).length, 4);
	assert.deepEqual((await client.calls.list({ to: numbers[2] })).map(({ to }) => to), [numbers[2]]);
	assert.equal((await client.calls.list({ status: 'busy' })).length, 0);
	const page = await client.calls.page({ pageSize: 5 });
	assert.equal(page.instances.length, 5);
	await create({ to: '+14155550119' }); // a new call moves nothing on the next page
	assert.deepEqual((await page.nextPage()).instances.map(({ to }) => to), [numbers[1], numbers[0]]);
	const second = await client.calls.page({ pageSize: 5, pageNumber: 1 });
	assert.equal(second.instances.length, 3);
	await refused(clientOf(two).calls(all[0].sid).fetch(), 404, 20404);
});

test('the account and its numbers', async () => {
	const account = await client.api.v2010.accounts(one.sid).fetch();
	assert.equal(account.status, 'active');
	assert.equal(account.authToken, '[hidden]');
	const numbers = await client.incomingPhoneNumbers.list();
	assert.deepEqual(numbers.map(({ phoneNumber, capabilities }) => [phoneNumber, capabilities.voice]), [[one.number, true]]);
	assert.equal((await client.incomingPhoneNumbers.list({ phoneNumber: '+19995550100' })).length, 0);
	await refused(client.api.v2010.accounts(two.sid).fetch(), 401, 20003);
});

test('the transcript has every message and no credential', async () => {
	stage.answers = { answer: '<Gather numDigits="1" action="go"/>', go: '' };
	const before = carrier.transcript().length;
	const call = await create({ statusCallback: `${origin}/v/status`, statusCallbackEvent: ['ringing', 'completed'] });
	await carrier.idle();
	const lines = carrier.transcript().slice(before);
	assert.equal(lines.length, 2 * (1 + 2 + 2), 'one REST request, two documents, two callbacks, each with its answer');
	for (const line of lines) {
		assert.deepEqual(Object.keys(line), ['time', 'from', 'method', 'url', 'headers', 'form', 'status', 'body']);
		assert.equal(new Date(line.time).toISOString().slice(0, 19), line.time.slice(0, 19));
	}
	const [request, answer] = lines;
	assert.deepEqual([request.from, request.method, request.status], ['server', 'POST', null]);
	assert.deepEqual(request.form.StatusCallbackEvent, ['ringing', 'completed']);
	assert.equal(request.headers.Authorization, 'Basic [hidden]');
	assert.deepEqual([answer.from, answer.form, answer.status], ['carrier', null, 201]);
	assert.equal(JSON.parse(answer.body).sid, call.sid);
	const webhook = lines.find(({ url, status }) => url.endsWith('/v/go') && status === null);
	assert.deepEqual([webhook.from, webhook.form.Digits, webhook.form.CallSid], ['carrier', '1', call.sid]);
	assert.ok(twilio.validateRequest(one.token, webhook.headers['X-Twilio-Signature'], webhook.url, webhook.form));
	const text = JSON.stringify(carrier.transcript());
	assert.ok(!text.includes(one.token) && !text.includes(Buffer.from(`${one.sid}:${one.token}`).toString('base64')));
});
