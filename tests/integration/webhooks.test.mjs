// The carrier's webhooks: Twilio's own SDK signs, and the server accepts; whatever is forged, altered, unsigned or replayed to another
// organization is answered 403 and changes nothing. Here the test is the carrier: the sandbox only keeps the telephone ringing.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import twilio from 'twilio';
import { account } from '../harness/carrier.mjs';
import { twimlProblems } from '../harness/twiml.mjs';
import { parseXml, walk } from '../harness/xml.mjs';
import { World } from '../harness/world.mjs';

const world = await World.make(import.meta.url);
after(() => world.close());

let one, two, session, url, callSid;

before(async () => {
	// in real time, so that the telephone rings for as long as a test takes
	await world.startCarrier({ accounts: [account(1), account(2)], speed: 1, scenario: { supporter: { outcome: 'interactive' } } });
	one = await world.tenant({ slug: 'one', account: account(1) });
	two = await world.tenant({ slug: 'two', account: account(2) });
	one.campaign = await world.campaign(one);
	two.campaign = await world.campaign(two);
	await world.startServer();
});

beforeEach(async () => {
	session = await world.createCall(one);
	url = `${world.publicUrl}/voice/${one.voiceToken}/${session.id}`;
	callSid = session.carrier_call;
});

function form(more = {}) {
	return { CallSid: callSid, AccountSid: account(1).sid, From: account(1).number, To: '+14155550123', Direction: 'outbound-api', ApiVersion: '2010-04-01', ...more };
}

function sign(token, address, fields) {
	return twilio.getExpectedTwilioSignature(token, address, fields);
}

/** Sends a webhook. An address's fragment is the carrier's alone: neither sent nor signed. signature: preset the right one; null none. */
function send(url_, fields, { signature } = {}) {
	const address = url_.replace(/#.*/, '');
	if (signature === undefined) signature = sign(account(1).token, address, fields);
	const headers = signature === null ? {} : { 'x-twilio-signature': signature };
	return world.request(address, { body: new URLSearchParams(fields), headers });
}

/** Everything that a webhook could change, of both organizations. */
async function state() {
	return world.sql.rows(`
		select s.*, (select json_agg(a order by a.target, a.attempt) from call_attempt a where a.tenant_id = s.tenant_id and a.session_id = s.session_id) as attempts
		from call_session s order by s.session_id`);
}

/** TwiML that says sorry and hangs up, and names nobody. */
function assertApology(answer) {
	assert.equal(answer.status, 200, answer.body);
	assert.deepEqual(twimlProblems(answer.body), []);
	assert.deepEqual([...walk(parseXml(answer.body))].map(({ name }) => name), ['Response', 'Say', 'Hangup']);
	for (const { name, phone } of session.plan.targets) assert.ok(!answer.body.includes(name) && !answer.body.includes(phone));
}

function steps(document) {
	return [...walk(parseXml(document))].map((element) => element.attributes.action ?? (element.name === 'Redirect' ? element.text.trim() : null)).filter(Boolean);
}

describe('a conversation signed by the SDK', () => {
	test('goes through to its end', async () => {
		let answer = await send(`${url}/answer`, form({ CallStatus: 'in-progress' }));
		const seen = [];
		for (let turn = 0; turn < 20; turn++) {
			assert.equal(answer.status, 200, answer.body);
			assert.match(answer.headers.get('content-type'), /^(text|application)\/xml/);
			assert.deepEqual(twimlProblems(answer.body), []);
			const next = steps(answer.body);
			if (next.length === 0) break;
			const address = new URL(next[0], `${url}/x`).href;
			const step = new URL(address).pathname.split('/').pop();
			seen.push(step);
			const fields = step.startsWith('human')
				? { CallStatus: 'in-progress', Digits: '1' }
				: { CallStatus: 'in-progress', DialCallStatus: 'completed', DialCallSid: `CA${String(turn).padStart(32, '0')}`, DialCallDuration: '7', DialBridged: 'true' };
			answer = await send(address, form(fields));
		}
		assert.equal(seen[0], 'human-try-1');
		assert.match(answer.body, /Hangup/);
		const attempts = await world.sql.rows(`select target, attempt, status, duration_s, bridged from call_attempt where session_id = '${session.id}' order by target`);
		assert.deepEqual(attempts, session.plan.targets.map((_, index) => ({ target: index + 1, attempt: 1, status: 'completed', duration_s: 7, bridged: true })));

		const ended = await send(`${url}/status`, form({ CallStatus: 'completed', CallDuration: '42', SequenceNumber: '3' }));
		assert.ok(ended.status === 200 || ended.status === 204, ended.body);
		const row = await world.sql.row(`select status, duration_s, position, ended_at is not null as ended from call_session where session_id = '${session.id}'`);
		assert.deepEqual(row, { status: 'completed', duration_s: 42, position: 'thanks', ended: true });
	});

	test('the same webhook twice gets the same answer and moves nothing', async () => {
		const first = await send(`${url}/answer`, form({ CallStatus: 'in-progress' }));
		const before = (await state()).map(({ updated_at, ...rest }) => rest);
		const second = await send(`${url}/answer`, form({ CallStatus: 'in-progress' }));
		assert.equal(second.body, first.body);
		assert.deepEqual((await state()).map(({ updated_at, ...rest }) => rest), before);

		const fields = form({ CallStatus: 'in-progress', Digits: '5' });
		const dial = await send(`${url}/human-try-1`, fields);
		assert.equal((await send(`${url}/human-try-1`, fields)).body, dial.body);
		const [step] = steps(dial.body);
		const done = form({ CallStatus: 'in-progress', DialCallStatus: 'busy' });
		const next = await send(step, done);
		assert.equal((await send(step, done)).body, next.body);
		const attempts = await world.sql.rows(`select target, status from call_attempt where session_id = '${session.id}'`);
		assert.deepEqual(attempts, [{ target: 1, status: 'busy' }]);
	});

	test('a step asked for before its time ends the call with an apology and changes nothing', async () => {
		const before = await state();
		const count = session.plan.targets.length;
		const early = await send(`${url}/dial-1-of-${count}-try-1`, form({ CallStatus: 'in-progress', DialCallStatus: 'completed' }));
		assertApology(early);
		assert.deepEqual(await state(), before);
	});

	test('a step that there is not, or a plan that is not this one, changes nothing', async () => {
		const before = await state();
		for (const step of ['human-try-9', 'dial-1-of-9-try-1', 'dial-0-of-2-try-1', 'dial-3-of-2-try-1', 'dial-1-of-2-try-9', 'human-try-01', 'nonsense', 'answer/answer']) {
			const answer = await send(`${url}/${step}`, form({ CallStatus: 'in-progress', Digits: '1', DialCallStatus: 'completed' }));
			if (answer.status === 200) assertApology(answer);
			else assert.ok(answer.status >= 400 && answer.status < 500, `${step}: status ${answer.status}`);
			assert.deepEqual(await state(), before, step);
		}
	});

	test('a terminal status is never left', async () => {
		const report = (status, sequence) => send(`${url}/status`, form({ CallStatus: status, SequenceNumber: String(sequence), ...(status === 'no-answer' ? { CallDuration: '0' } : {}) }));
		await report('no-answer', 2);
		const before = (await state()).find((row) => row.session_id === session.id);
		assert.equal(before.status, 'no-answer');
		for (const late of ['ringing', 'in-progress', 'completed', 'queued']) await report(late, 1);
		const now = (await state()).find((row) => row.session_id === session.id);
		assert.equal(now.status, 'no-answer');
		assert.equal(now.ended_at, before.ended_at);
	});
});

describe('refused with 403, and nothing changes', () => {
	const right = () => form({ CallStatus: 'in-progress' });
	const cases = {
		'no signature': () => send(`${url}/answer`, right(), { signature: null }),
		'an empty signature': () => send(`${url}/answer`, right(), { signature: '' }),
		'a signature cut short': () => send(`${url}/answer`, right(), { signature: sign(account(1).token, `${url}/answer`, right()).slice(0, 20) }),
		'a forged signature': () => send(`${url}/answer`, right(), { signature: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }),
		"another token's signature": () => send(`${url}/answer`, right(), { signature: sign('f'.repeat(32), `${url}/answer`, right()) }),
		"another organization's signature": () => send(`${url}/answer`, right(), { signature: sign(account(2).token, `${url}/answer`, right()) }),
		'a field altered': () => send(`${url}/answer`, form({ CallStatus: 'completed' }), { signature: sign(account(1).token, `${url}/answer`, right()) }),
		'a field added': () => send(`${url}/answer`, { ...right(), Digits: '1' }, { signature: sign(account(1).token, `${url}/answer`, right()) }),
		'a field repeated': () =>
			world.request(`${url}/answer`, {
				body: new URLSearchParams([...Object.entries(right()), ['CallStatus', 'completed']]),
				headers: { 'x-twilio-signature': sign(account(1).token, `${url}/answer`, right()) },
			}),
		'the address altered': () => send(`${url}/status`, right(), { signature: sign(account(1).token, `${url}/answer`, right()) }),
		'a query added': () => send(`${url}/answer?x=1`, right(), { signature: sign(account(1).token, `${url}/answer`, right()) }),
		'replayed to another organization': () => send(url.replace(one.voiceToken, two.voiceToken) + '/answer', right(), { signature: sign(account(1).token, `${url}/answer`, right()) }),
		'signed for an address of another host': () =>
			send(`${url}/answer`, right(), { signature: sign(account(1).token, `http://other.example/voice/${one.voiceToken}/${session.id}/answer`, right()) }),
		"signed rightly, but for another organization's account": () => send(`${url}/answer`, form({ CallStatus: 'in-progress', AccountSid: account(2).sid })),
		'signed rightly, without the account': () => {
			const { AccountSid, ...rest } = right();
			return send(`${url}/answer`, rest);
		},
		'a status callback without a signature': () => send(`${url}/status`, form({ CallStatus: 'completed', CallDuration: '3' }), { signature: null }),
		'a Host header that names where it was signed for': () =>
			world.request(`${url}/answer`, {
				body: new URLSearchParams(right()),
				headers: { 'x-forwarded-host': 'other.example', 'x-twilio-signature': sign(account(1).token, `http://other.example/voice/${one.voiceToken}/${session.id}/answer`, right()) },
			}),
	};
	for (const [what, attempt] of Object.entries(cases)) {
		test(what, async () => {
			const before = await state();
			const answer = await attempt();
			assert.equal(answer.status, 403, answer.body);
			assert.ok(!answer.body.includes('<Response'), 'no TwiML for a stranger');
			assert.deepEqual(await state(), before);
		});
	}

	test("another organization's session under one's own token and signature is unknown: an apology that names nobody", async () => {
		const before = await state();
		const address = `${world.publicUrl}/voice/${two.voiceToken}/${session.id}/answer`;
		const fields = form({ CallStatus: 'in-progress', AccountSid: account(2).sid });
		const answer = await send(address, fields, { signature: sign(account(2).token, address, fields) });
		assertApology(answer);
		assert.deepEqual(await state(), before);
	});

	test('a token that nobody has', async () => {
		const address = `${world.publicUrl}/voice/${one.voiceToken.replace(/.$/, (c) => (c === 'a' ? 'b' : 'a'))}/${session.id}/answer`;
		const answer = await send(address, right());
		assert.ok([403, 404].includes(answer.status), `status ${answer.status}`);
	});
});
