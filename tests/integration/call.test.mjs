// A whole call, from the form on a page to the last row: what the supporter hears, whom the carrier dials, what stands in the
// database, and that nothing that was said between server and carrier breaks the carrier's rules.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import twilio from 'twilio';
import { account } from '../harness/carrier.mjs';
import { dataFolder } from '../harness/places.mjs';
import { twimlProblems } from '../harness/twiml.mjs';
import { until, World } from '../harness/world.mjs';

const supporter = '+14155550123';

function kinds(story, ...wanted) {
	return story.filter(({ kind }) => wanted.includes(kind));
}

async function callOnce(world, tenant, options) {
	const session = await world.createCall(tenant, options);
	await world.carrier.idle();
	const call = await world.carrier.call(session.carrier_call);
	const row = await until('the session to be ended', async () => {
		const found = await world.sql.row(`select * from call_session where session_id = '${session.id}'`);
		return found.ended_at && found;
	});
	const attempts = await world.sql.rows(`select * from call_attempt where session_id = '${session.id}' order by target, attempt`);
	const webhooks = world.carrier.webhooks().filter(({ url }) => url.includes(session.id));
	return { session, call, row, attempts, webhooks, spoken: kinds(call.story, 'say').map(({ text }) => text).join(' ') };
}

describe('a call from beginning to end', () => {
	let world, tenant, result;
	before(async () => {
		world = await World.make(import.meta.url);
		await world.startCarrier({ scenario: { target: { talk: 20 } } });
		tenant = await world.tenant({ slug: 'one', name: 'One of Many' });
		await world.campaign(tenant);
		await world.startServer();
		result = await callOnce(world, tenant, { phone: supporter });
	});
	after(() => world.close());

	test('the supporter is rung, hears who calls, presses a key, and is connected to each target in turn', () => {
		const { call, session, spoken } = result;
		assert.equal(call.to, supporter);
		assert.equal(call.status, 'completed');
		assert.deepEqual(kinds(call.story, 'error'), []);
		const dialled = kinds(call.story, 'dial').map(({ number }) => number);
		assert.deepEqual(dialled, session.plan.targets.map(({ phone }) => phone));
		assert.equal(kinds(call.story, 'connected').length, dialled.length);
		assert.match(spoken, /One of Many/);
		for (const target of session.plan.targets) assert.ok(spoken.includes(target.name), `${target.name} is not announced: ${spoken}`);
		const order = call.story.filter(({ kind }) => ['answer', 'keys', 'dial', 'end'].includes(kind)).map(({ kind }) => kind);
		assert.deepEqual(order.slice(0, 2), ['answer', 'keys'], 'nobody is dialled before a key is pressed');
	});

	test('the office sees the number that the campaign says', () => {
		for (const { caller_id } of kinds(result.call.story, 'dial')) assert.equal(caller_id, supporter);
	});

	test('each outcome and the end are in the database', () => {
		const { row, attempts, session, call } = result;
		assert.equal(row.status, 'completed');
		assert.equal(row.position, 'thanks');
		assert.equal(row.carrier_call, call.sid);
		assert.ok(row.ringing_at && row.answered_at && row.ended_at);
		assert.ok(row.ringing_at <= row.ended_at);
		assert.equal(row.duration_s, call.duration);
		assert.deepEqual(
			attempts.map(({ target, attempt, status, bridged, target_key, phone }) => ({ target, attempt, status, bridged, target_key, phone })),
			session.plan.targets.map(({ key, phone }, index) => ({ target: index + 1, attempt: 1, status: 'completed', bridged: true, target_key: key, phone })),
		);
		for (const { duration_s } of attempts) assert.equal(duration_s, 20);
	});

	test('it takes 4 + n webhooks to n targets, each answered well', () => {
		const { webhooks, session } = result;
		const count = session.plan.targets.length;
		assert.deepEqual(
			webhooks.map(({ step }) => step).filter((step) => step !== 'status'),
			['answer', 'human-try-1', ...session.plan.targets.map((_, index) => `dial-${index + 1}-of-${count}-try-1`)],
		);
		assert.deepEqual(webhooks.filter(({ step }) => step === 'status').map(({ form }) => form.CallStatus), ['ringing', 'completed']);
		assert.equal(webhooks.length, 4 + count);
		for (const { status, url } of webhooks) assert.ok(status === 200 || status === 204, `${url}: ${status}`);
	});

	test("Twilio's own validator accepts every webhook of the sandbox", () => {
		for (const { url, headers, form } of result.webhooks) {
			const signature = Object.entries(headers).find(([name]) => name.toLowerCase() === 'x-twilio-signature')[1];
			assert.ok(twilio.validateRequest(account(1).token, signature, url, form), url);
			assert.ok(!twilio.validateRequest(account(2).token, signature, url, form));
		}
	});

	test('every document is TwiML as the types of the SDK have it', () => {
		const documents = result.webhooks.filter(({ step }) => step !== 'status').map(({ body }) => body);
		assert.ok(documents.length >= 3);
		for (const document of documents) assert.deepEqual(twimlProblems(document), [], document);
	});

	test('nothing about the supporter is in an address, and neither number nor secret in the log', () => {
		for (const { url } of world.carrier.transcript()) {
			for (const part of ['4155550123', encodeURIComponent(supporter)]) assert.ok(!url.includes(part), url);
		}
		const log = world.server.output();
		for (const secret of ['4155550123', account(1).token]) assert.ok(!log.includes(secret), `${secret} stands in the server's log`);
	});

	test("the server's log is JSON, and a call can be followed in it by its session", () => {
		// the program's standard output is in the same file: one line that says where it listens
		const output = world.server.output().trim().split('\n').filter((line) => !line.startsWith('listening on '));
		const lines = output.map((line) => JSON.parse(line));
		assert.ok(lines.some((line) => line.session === result.session.id && line.tenant === 'one'), 'no line has the session and the tenant');
	});
});

describe('calls that go otherwise', () => {
	let world, tenant;
	before(async () => {
		world = await World.make(import.meta.url);
		await world.startCarrier({});
		tenant = await world.tenant({ slug: 'one' });
		await world.campaign(tenant);
		await world.startServer();
	});
	after(async () => {
		try {
			for (const { step, body } of world.carrier.webhooks().filter(({ status }) => status === 200)) {
				if (step !== 'status') assert.deepEqual(twimlProblems(body), [], body);
			}
		} finally {
			await world.close();
		}
	});

	for (const outcome of ['busy', 'no-answer', 'failed']) {
		test(`the supporter's telephone: ${outcome}`, async () => {
			await world.carrier.scenario({ phones: { [supporter]: { outcome } } });
			const { row, attempts } = await callOnce(world, tenant, { phone: supporter });
			assert.equal(row.status, outcome);
			assert.deepEqual(attempts, []);
		});
	}

	test('no key is pressed: asked three times, then goodbye, and nobody is dialled', async () => {
		await world.carrier.scenario({ phones: { [supporter]: { keys: '' } } });
		const { row, attempts, call } = await callOnce(world, tenant, { phone: supporter });
		assert.equal(row.status, 'completed');
		assert.equal(row.position, 'goodbye');
		assert.equal(kinds(call.story, 'gather').length, 3);
		assert.deepEqual(attempts, []);
	});

	test('the key is pressed when asked for the second time', async () => {
		await world.carrier.scenario({ phones: { [supporter]: { keys: ['', '1'] } } });
		const { row, attempts, session } = await callOnce(world, tenant, { phone: supporter });
		assert.equal(row.position, 'thanks');
		assert.equal(attempts.length, session.plan.targets.length);
	});

	for (const outcome of ['busy', 'no-answer', 'failed', 'invalid']) {
		test(`the first target: ${outcome}; the call goes on to the next`, async () => {
			const first = (await world.plan()).targets[0].phone;
			await world.carrier.scenario({ phones: { [supporter]: { keys: '1' }, [first]: { outcome } } });
			const { row, attempts, session } = await callOnce(world, tenant, { phone: supporter });
			assert.equal(row.position, 'thanks');
			assert.equal(attempts.length, session.plan.targets.length);
			assert.equal(attempts[0].status, outcome === 'invalid' ? 'failed' : outcome);
			for (const { status } of attempts.slice(1)) assert.equal(status, 'completed');
		});
	}

	test('the star key ends one conversation and goes on to the next', async () => {
		await world.carrier.scenario({ phones: { [supporter]: { keys: '1', star: { nth: 1, after: 3 } } } });
		const { attempts, session } = await callOnce(world, tenant, { phone: supporter });
		assert.equal(attempts.length, session.plan.targets.length);
		assert.ok(attempts[0].duration_s < attempts.at(-1).duration_s);
	});

	const hangUps = {
		'at the human check': [{ at: 'gather' }, 0],
		'while the first target rings': [{ at: 'dial' }, 1],
		'while talking to the first target': [{ at: 'talk' }, 1],
		'while talking to the second target': [{ at: 'talk', nth: 2 }, 2],
	};
	for (const [where, [hang_up, count]] of Object.entries(hangUps)) {
		test(`the supporter hangs up ${where}: what happened until then is kept`, async () => {
			await world.carrier.scenario({ phones: { [supporter]: { keys: '1', hang_up: { ...hang_up, after: 1 } } } });
			const { row, attempts } = await callOnce(world, tenant, { phone: supporter });
			assert.equal(row.status, 'completed');
			assert.ok(row.ended_at);
			assert.equal(attempts.length, count);
		});
	}
});

describe('what campaigns say', () => {
	let world, tenant;
	before(async () => {
		world = await World.make(import.meta.url);
		await world.startCarrier({});
		tenant = await world.tenant({ slug: 'one', name: 'One & “Many” <of us>' });
		await world.startServer();
	});
	after(() => world.close());

	const words = { 'es-MX': /Pulse cualquier tecla/, 'fr-CA': /Appuyez sur une touche/, 'en-GB': /Press any key/ };
	for (const [language, expected] of Object.entries(words)) {
		test(`in ${language}`, async () => {
			await world.campaign(tenant, { flags: ['--language', language] });
			const { call, spoken, webhooks } = await callOnce(world, tenant, { phone: supporter });
			assert.match(spoken, expected);
			assert.ok(spoken.includes('One & “Many” <of us>'), spoken);
			for (const entry of kinds(call.story, 'say')) assert.equal(entry.language, language);
			for (const { step, body } of webhooks) if (step !== 'status') assert.deepEqual(twimlProblems(body), [], body);
		});
	}

	test('texts of their own, with whatever stands in them, are said as they are', async () => {
		const intro = 'Hello & welcome to <{{organization}}> — it\'s "we", 日本語, ]]> and 100 %.';
		const name = 'Save the <b>bees</b> & co';
		const settings = { prompts: { msg_intro: intro, msg_target_intro: '{{name}} & {{title}}' }, voice: 'Polly.Amy-Neural' };
		await world.campaign(tenant, { name, flags: ['--settings', '-'], input: JSON.stringify(settings) });
		const { call, spoken, webhooks, session } = await callOnce(world, tenant, { phone: supporter });
		assert.ok(spoken.includes(intro.replace('{{organization}}', 'One & “Many” <of us>')), spoken);
		for (const { name: person, title } of session.plan.targets) assert.ok(spoken.includes(`${person} & ${title}`), spoken);
		for (const entry of kinds(call.story, 'say')) assert.equal(entry.voice, 'Polly.Amy-Neural');
		for (const { step, body } of webhooks) if (step !== 'status') assert.deepEqual(twimlProblems(body), [], body);
	});

	test('the office sees the number of the campaign where the campaign wants it so', async () => {
		await world.campaign(tenant, { flags: ['--caller-id', 'campaign'] });
		const { call } = await callOnce(world, tenant, { phone: supporter });
		for (const { caller_id } of kinds(call.story, 'dial')) assert.equal(caller_id, account(1).number);
	});

	test('no more targets are called than the campaign wants', async () => {
		await world.campaign(tenant, { flags: ['--call-maximum', '1'] });
		const { attempts } = await callOnce(world, tenant, { phone: supporter });
		assert.equal(attempts.length, 1);
	});

	test('an edited campaign is followed at once, and calls under way end as they began', async () => {
		const slow = '+14155550198';
		const id = await world.campaign(tenant, { name: 'Edited', flags: ['--settings', '-'], input: JSON.stringify({ prompts: { msg_final_thanks: 'The first goodbye.' } }) });
		await world.carrier.scenario({ phones: { [slow]: { keys: '1', key_after: 9 } }, target: { talk: 3000 } });
		const early = await world.createCall(tenant, { phone: slow });
		await until('the first call to talk', async () => (await world.carrier.call(early.carrier_call)).story.some(({ kind }) => kind === 'connected'));
		const document = JSON.parse((await world.callpower(['campaign', 'show', 'one', String(id)])).stdout);
		document.prompts.msg_final_thanks = 'The second goodbye.';
		await world.callpower(['campaign', 'edit', 'one', String(id), '--settings', '-'], { input: JSON.stringify(document) });
		await world.carrier.scenario({ target: { talk: 5 } });
		const spokenOf = async (sid) => kinds((await world.carrier.call(sid)).story, 'say').map(({ text }) => text).join(' ');
		await until('the edited campaign to be spoken', async () => (await callOnce(world, tenant, { phone: supporter })).spoken.includes('The second goodbye.'));
		assert.match(await spokenOf(early.carrier_call), /The first goodbye\.$/);
	});
});

describe('a target without a telephone number', () => {
	let world, tenant, result;
	before(async () => {
		world = await World.make(import.meta.url);
		await world.startCarrier({});
		tenant = await world.tenant({ slug: 'one' });
		await world.campaign(tenant);
		await world.startServer();
		result = await callOnce(world, tenant, { phone: supporter, place: 'B200' });
	});
	after(() => world.close());

	test('is kept in the plan, explained to the caller, and passed over', () => {
		const { session, call, row, attempts, spoken, webhooks } = result;
		const unreachable = session.plan.targets.filter(({ phone }) => phone === null);
		assert.deepEqual(unreachable.map(({ name }) => name), ['Edda Elm']);
		assert.match(spoken, /do not have a phone number for Deputy Edda Elm/);
		assert.equal(kinds(call.story, 'dial').length, session.plan.targets.length - 1);
		assert.equal(row.position, 'thanks');
		assert.deepEqual(attempts.map(({ status }) => status), session.plan.targets.map(({ phone }) => (phone === null ? 'unreachable' : 'completed')));
		assert.ok(webhooks.some(({ step }) => step.startsWith('skip-')));
		for (const { step, body } of webhooks) if (step !== 'status') assert.deepEqual(twimlProblems(body), [], body);
	});
});

describe('Congress', { skip: dataFolder ? false : 'no folder of US data (CALLPOWER_DATA, or ../shared/data beside the checkout)' }, () => {
	let world, tenant;
	before(async () => {
		world = await World.make(import.meta.url, { country: 'us' });
		await world.startCarrier({});
		tenant = await world.tenant({ slug: 'one' });
		await world.campaign(tenant);
		await world.startServer();
	});
	after(() => world.close());

	test('ZIP 94110: two senators first, then the representative, at their numbers', async () => {
		const { session, call, attempts } = await callOnce(world, tenant, { phone: supporter, place: '94110' });
		assert.equal(session.plan.targets.length, 3);
		assert.deepEqual(session.plan.targets.map(({ title }) => /Sen/.test(title)), [true, true, false]);
		for (const { key } of session.plan.targets) assert.match(key, /^us:bioguide:[A-Z]\d{6}$/);
		assert.deepEqual(kinds(call.story, 'dial').map(({ number }) => number), session.plan.targets.map(({ phone }) => phone));
		assert.equal(attempts.length, 3);
	});

	test('a ZIP in DC: one delegate', async () => {
		const { session } = await callOnce(world, tenant, { phone: supporter, place: '20001' });
		assert.equal(session.plan.targets.length, 1);
	});

	test('a ZIP over two states: the senators of both, and it is called split', async () => {
		const { session } = await callOnce(world, tenant, { phone: supporter, place: '30165' }); // Alabama and Georgia
		assert.equal(session.plan.targets.filter(({ title }) => /Sen/.test(title)).length, 4);
		assert.equal(session.plan.targets.length, 6);
		assert.equal(session.answer.targets.split, true);
	});
});
