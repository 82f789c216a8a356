// What must hold when things break: the server is killed in the middle of many calls, the database goes away in the middle of one,
// the carrier repeats and reorders.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { patience } from '../harness/places.mjs';
import { until, World } from '../harness/world.mjs';

const supporter = (index) => `+1415555${String(100 + (index % 100)).padStart(4, '0')}`; // 555 0100 to 555 0199, reserved

/**
 * What the carrier said of each target and attempt ("session target attempt" to the set of statuses), and what of it the server has
 * acknowledged: answered with 200, and not by asking the caller to wait and the carrier to come back. Where the carrier comes back after
 * a wait, its facts are in the query; where it comes by the fallback address, it cannot say the outcome again.
 */
function outcomes(carrier) {
	const said = new Map();
	const acknowledged = new Map();
	for (const { url, step, form, status, body } of carrier.webhooks()) {
		const match = /^dial-(\d+)-of-\d+-try-(\d+)$/.exec(step);
		if (!match) continue;
		const { pathname, searchParams } = new URL(url);
		const key = `${pathname.split('/').at(-2)} ${match[1]} ${match[2]}`;
		const outcome = form.DialCallStatus ?? searchParams.get('DialCallStatus') ?? 'unknown';
		said.set(key, (said.get(key) ?? new Set()).add(outcome === 'answered' ? 'completed' : outcome));
		if (status === 200 && !new RegExp(`<Redirect[^>]*>[^<]*/${step}[?#<]`).test(body)) acknowledged.set(key, outcome);
	}
	return { said, acknowledged };
}

async function recorded(world) {
	const rows = await world.sql.rows('select session_id, target, attempt, status from call_attempt');
	const found = new Map(rows.map((row) => [`${row.session_id} ${row.target} ${row.attempt}`, row.status]));
	assert.equal(found.size, rows.length, 'an outcome stands in the table twice');
	return found;
}

async function assertAllEnded(world, count) {
	await until('every session to be ended in the database', async () => (await world.sql.value('select count(*) from call_session where ended_at is null')) === 0, { timeout_ms: 60000 });
	assert.equal(await world.sql.value('select count(*) from call_session'), count);
}

/** Every outcome that was acknowledged is there, once, as the carrier said it, and nothing is there that it never said. */
async function assertOutcomes(world) {
	const { said, acknowledged } = outcomes(world.carrier);
	const rows = await recorded(world);
	for (const key of acknowledged.keys()) assert.ok(rows.has(key), `${key} was acknowledged as ${acknowledged.get(key)} and is not in the database`);
	for (const [key, status] of rows) {
		if (status === 'unreachable') continue; // never dialled
		assert.ok(said.get(key)?.has(status), `${key} stands as ${status}; the carrier said ${[...(said.get(key) ?? ['nothing'])]}`);
	}
	return acknowledged.size;
}

async function createMany(world, tenant, count) {
	const created = [];
	for (let index = 0; index < count; index += 10) {
		created.push(...(await Promise.all(Array.from({ length: Math.min(10, count - index) }, (_, n) => world.createCall(tenant, { phone: supporter(index + n) })))));
	}
	return created;
}

describe('the server is killed in the middle of 100 calls', () => {
	let world, tenant;
	before(async () => {
		world = await World.make(import.meta.url);
		world.settings.CALLPOWER_RECONCILE_AFTER_S = '2';
		await world.startCarrier({ speed: 20, scenario: { supporter: { answer_after: 2 }, target: { answer_after: 3, talk: 30 } } });
		tenant = await world.tenant({ slug: 'one' });
		await world.campaign(tenant);
		await world.startServer();
	});
	after(() => world.close());

	test('every call ends, and every acknowledged outcome is in the database once', { timeout: 180000 * patience }, async () => {
		await createMany(world, tenant, 100);
		// in the middle: many are talking, some have their first outcomes
		await until('outcomes to come in', async () => (await world.sql.value('select count(*) from call_attempt')) >= 30);
		const running = (await world.carrier.calls()).filter((call) => call.status === 'in-progress' && call.direction === 'outbound-api').length;
		assert.ok(running >= 30, `${running} calls were running when the server was killed`);
		await world.server.kill();
		const before = outcomes(world.carrier).acknowledged.size;
		assert.ok(before >= 30, `${before} outcomes were acknowledged before the kill`);
		await world.startServer();
		await world.carrier.idle(90000);
		await assertAllEnded(world, 100);
		assert.ok((await assertOutcomes(world)) >= before);
	});
});

describe('the database goes away in the middle of a call', () => {
	let world, tenant;
	before(async () => {
		world = await World.make(import.meta.url, { ownCluster: true });
		world.settings.CALLPOWER_DATABASE_DEADLINE_MS = '500';
		await world.startCarrier({ speed: 10, scenario: { target: { answer_after: 1, talk: 20 } } });
		tenant = await world.tenant({ slug: 'one' });
		await world.campaign(tenant);
		await world.startServer();
	});
	after(() => world.close());

	for (const how of ['stop', 'kill']) {
		test(`${how}: the caller hears a pause and goes on`, { timeout: 120000 * patience }, async () => {
			const session = await world.createCall(tenant);
			const call = () => world.carrier.call(session.carrier_call);
			await until('the first conversation', async () => (await call()).story.some(({ kind }) => kind === 'connected'));
			await world.cluster.stop(how);
			await until('the caller to hear a pause', async () => {
				const story = (await call()).story;
				const connected = story.findIndex(({ kind }) => kind === 'connected');
				return story.slice(connected).some(({ kind }) => kind === 'pause');
			});
			await world.cluster.start();
			await world.carrier.idle(60000);
			const { story, status } = await call();
			assert.equal(status, 'completed');
			assert.deepEqual(story.filter(({ kind }) => kind === 'error'), []);
			assert.equal(story.filter(({ kind }) => kind === 'connected').length, session.plan.targets.length);
			await until('the session to be ended', async () => (await world.sql.value(`select status from call_session where session_id = '${session.id}'`)) === 'completed');
			const attempts = await world.sql.rows(`select status from call_attempt where session_id = '${session.id}'`);
			assert.deepEqual(attempts, session.plan.targets.map(() => ({ status: 'completed' })));
		});
	}

	test('a new call is refused with 503 meanwhile, and taken afterwards', { timeout: 60000 * patience }, async () => {
		await world.cluster.stop('stop');
		const refused = await world.askForCall(tenant);
		assert.equal(refused.status, 503, refused.body);
		assert.match(refused.json.error, /^[a-z_]+$/);
		await world.cluster.start();
		await until('a call to be taken again', async () => (await world.askForCall(tenant)).status < 300);
		await world.carrier.idle();
	});
});

describe('the carrier repeats and reorders', () => {
	let world, tenant;
	before(async () => {
		world = await World.make(import.meta.url);
		await world.startCarrier({
			speed: 200,
			scenario: {
				callbacks: { duplicate: true, reorder: true, delay_ms: 20 },
				webhooks: { duplicate: true },
				phones: { [supporter(3)]: { outcome: 'busy' }, [supporter(4)]: { outcome: 'no-answer' }, [supporter(5)]: { keys: '' }, [supporter(6)]: { hang_up: { at: 'talk' } }, [supporter(7)]: { star: { nth: 1, after: 2 } } },
			},
		});
		tenant = await world.tenant({ slug: 'one' });
		await world.campaign(tenant);
		await world.startServer();
	});
	after(() => world.close());

	test('and everything is in the database once, as it ended', { timeout: 120000 * patience }, async () => {
		const created = await createMany(world, tenant, 20);
		await world.carrier.idle(60000);
		await assertAllEnded(world, 20);
		await assertOutcomes(world);
		const status = async (index) => world.sql.value(`select status from call_session where session_id = '${created[index].id}'`);
		assert.equal(await status(0), 'completed');
		assert.equal(await status(3), 'busy');
		assert.equal(await status(4), 'no-answer');
		assert.equal(await status(6), 'completed');
		const attempts = async (index) => world.sql.value(`select count(*) from call_attempt where session_id = '${created[index].id}'`);
		assert.equal(await attempts(0), created[0].plan.targets.length);
		assert.equal(await attempts(3), 0);
		assert.equal(await attempts(5), 0, 'nobody is dialled for a telephone at which no key is pressed');
		assert.equal(await attempts(6), 1, 'the outcome at which the supporter hung up is kept');
		assert.equal(await attempts(7), created[7].plan.targets.length, 'the star key goes on to the next target');
	});
});
