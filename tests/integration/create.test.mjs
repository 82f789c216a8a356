// POST /call/create: what a page sends and what comes back. Bad input gets a stable code and a sentence that helps, the right status,
// no row in the database and no request to the carrier.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { account } from '../harness/carrier.mjs';
import { until, World } from '../harness/world.mjs';

const world = await World.make(import.meta.url);
after(() => world.close());

let one, two, live, draft, paused, archived, others;

before(async () => {
	await world.startCarrier({ accounts: [account(1), account(2)] });
	one = await world.tenant({ slug: 'one', account: account(1) });
	two = await world.tenant({ slug: 'two', account: account(2) });
	live = await world.campaign(one);
	draft = await world.campaign(one, { launch: false });
	paused = await world.campaign(one);
	archived = await world.campaign(one);
	await world.callpower(['campaign', 'pause', 'one', String(paused)]);
	await world.callpower(['campaign', 'archive', 'one', String(archived)]);
	world.settings.CALLPOWER_BASE_DOMAIN = 'call.example';
	for (let count = 0; count < 6; count++) others = await world.campaign(two);
	await world.startServer();
});

const good = () => ({ campaignId: String(live), userPhone: '+14155550123', userCountry: 'US', userLocation: world.country.place });
const path = '/o/one/call/create';
const rows = () => world.sql.value('select count(*) from call_session');

describe('taken', () => {
	const forms = {
		'a form': () => new URLSearchParams(good()),
		'JSON': () => good(),
		'JSON with the campaign as a number': () => ({ ...good(), campaignId: live }),
		'a number as people write it': () => new URLSearchParams({ ...good(), userPhone: '(415) 555-0123' }),
		'a reference of the page': () => new URLSearchParams({ ...good(), ref: 'newsletter' }),
		'more fields than are known': () => new URLSearchParams({ ...good(), utm_source: 'x' }),
		'a postal code with space around it': () => new URLSearchParams({ ...good(), userLocation: ` ${world.country.place} ` }),
	};
	for (const [what, body] of Object.entries(forms)) {
		test(what, async () => {
			const before = await rows();
			const answer = await world.request(path, { body: body() });
			assert.ok(answer.status >= 200 && answer.status < 300, `${answer.status} ${answer.body}`);
			assert.match(answer.headers.get('content-type'), /^application\/json/);
			assert.equal(await rows(), before + 1);
			await world.carrier.idle();
		});
	}

	test('the reference and the place are kept, the number only sealed', async () => {
		await world.request(path, { body: { ...good(), userPhone: '+14155550177', ref: 'spring' } });
		const row = await world.sql.row('select * from call_session order by created_at desc, session_id desc limit 1');
		assert.equal(row.referral, 'spring');
		assert.equal(row.location, world.country.place);
		const everything = await world.sql.script('select * from call_session');
		assert.ok(!everything.includes('4155550177'), 'a supporter\'s number stands in clear in call_session');
		await world.carrier.idle();
		assert.ok(!world.server.output().includes('4155550177'), "a supporter's number stands in clear in the log");
	});

	test('the answer says who will be called, and the carrier is asked once', async () => {
		const before = world.carrier.requests().length;
		const answer = await world.request(path, { body: good() });
		const session = await world.sql.row('select plan from call_session order by created_at desc, session_id desc limit 1');
		for (const target of session.plan.targets) assert.ok(answer.body.includes(target.name), `${target.name} is not in ${answer.body}`);
		await world.carrier.idle();
		const requests = world.carrier.requests().slice(before).filter(({ method }) => method === 'POST');
		assert.equal(requests.length, 1);
		assert.equal(requests[0].form.To, '+14155550123');
	});
});

describe('refused', () => {
	const form = (changes) => () => {
		const fields = Object.entries({ ...good(), ...changes }).filter(([, value]) => value !== undefined);
		return { body: new URLSearchParams(fields) };
	};
	const raw = (type, body) => () => ({ body: typeof body === 'function' ? body() : body, headers: { 'content-type': type } });
	const cases = [
		['no campaign', [400], form({ campaignId: undefined })],
		['an empty campaign', [400], form({ campaignId: '' })],
		['a campaign that is no number', [400], form({ campaignId: 'abc' })],
		['a campaign that is a negative number', [400, 404], form({ campaignId: '-1' })],
		['a campaign beyond all numbers', [400, 404], form({ campaignId: '99999999999999999999' })],
		['a campaign that is not there', [404], form({ campaignId: '4711' })],
		["another organization's campaign", [404], () => form({ campaignId: String(others) })()],
		['a draft', [409], () => form({ campaignId: String(draft) })()],
		['a paused campaign', [409], () => form({ campaignId: String(paused) })()],
		['an archived campaign', [410], () => form({ campaignId: String(archived) })()],
		['no phone', [400], form({ userPhone: undefined })],
		['an empty phone', [400], form({ userPhone: '' })],
		['a phone that is too short', [400], form({ userPhone: '12345' })],
		['a phone of letters', [400], form({ userPhone: 'call me' })],
		['a phone with an area code that is none', [400], form({ userPhone: '+11234567890' })],
		['a phone of another country', [400], form({ userPhone: '+33123456789' })],
		['another country', [400], form({ userCountry: 'FR' })],
		['a country that is none', [400], form({ userCountry: 'Atlantis' })],
		['no place', [400], form({ userLocation: undefined })],
		['a place that is unknown', [400], form({ userLocation: '00000' })],
		['a place that is none', [400], form({ userLocation: "'; drop table call_session; --" })],
		['a place of 10,000 characters', [400], form({ userLocation: 'x'.repeat(10000) })],
		['a reference that is too long', [400], form({ ref: 'x'.repeat(1000) })],
		['a body of 1 MiB', [413], raw('application/x-www-form-urlencoded', 'a'.repeat(1024 * 1024))],
		['JSON of 1 MiB', [413], raw('application/json', () => JSON.stringify({ ...good(), ref: 'x'.repeat(1024 * 1024) }))],
		['JSON that is broken', [400], raw('application/json', '{"campaignId": 1,')],
		['JSON that is no object', [400], raw('application/json', '[1, 2]')],
		['JSON with a list for a number', [400], raw('application/json', () => JSON.stringify({ ...good(), userPhone: ['+14155550123'] }))],
		['JSON that is 1,000 levels deep', [400], raw('application/json', '['.repeat(1000) + ']'.repeat(1000))],
		['JSON with a name twice', [400], raw('application/json', '{"campaignId": 1, "campaignId": 2}')],
		['a form that is broken', [400], raw('application/x-www-form-urlencoded', 'campaignId=%zz&userPhone=%')],
		['a form that is no UTF-8', [400], raw('application/x-www-form-urlencoded', 'campaignId=1&userLocation=%ff%fe&userPhone=%2B14155550123')],
		['a form with a zero byte', [400], raw('application/x-www-form-urlencoded', () => `${new URLSearchParams({ ...good(), userLocation: '94110\0' })}`)],
		['an empty body', [400], raw('application/x-www-form-urlencoded', '')],
		['a kind of body that is unknown', [415], raw('application/xml', '<a/>')],
	];
	for (const [what, statuses, request] of cases) {
		test(what, async () => {
			const before = await rows();
			const sent = world.carrier.requests().length;
			const answer = await world.request(path, { method: 'POST', ...request() });
			assert.ok(statuses.includes(answer.status), `status ${answer.status}, not ${statuses.join(' or ')}: ${answer.body}`);
			assert.ok(answer.json, `the answer is no JSON: ${answer.body}`);
			assert.match(answer.json.error, /^[a-z][a-z_]+$/);
			assert.equal(answer.json.status, answer.status);
			assert.match(answer.json.description, /^\S+( \S+){3,}$/, 'a sentence');
			assert.equal(await rows(), before);
			assert.equal(world.carrier.requests().length, sent);
		});
	}

	test('the codes are told apart', async () => {
		const code = async (request) => (await world.request(path, { method: 'POST', ...request() })).json.error;
		const codes = await Promise.all([
			code(form({ campaignId: '4711' })),
			code(form({ userPhone: '12345' })),
			code(form({ userLocation: '00000' })),
			code(form({ userCountry: 'FR' })),
			code(() => form({ campaignId: String(archived) })()),
		]);
		assert.equal(new Set(codes).size, codes.length, codes.join(', '));
	});

	test('an organization that is not there', async () => {
		const answer = await world.request('/o/nobody/call/create', { body: good() });
		assert.equal(answer.status, 404);
		assert.match(answer.json.error, /^[a-z_]+$/);
	});

	test('no organization at all', async () => {
		const answer = await world.request('/call/create', { body: good() });
		assert.equal(answer.status, 404);
		assert.match(answer.json.error, /^[a-z_]+$/);
	});

	test('a page that is not there, and a method that is not taken', async () => {
		assert.equal((await world.request('/o/one/nothing')).status, 404);
		const answer = await world.request(path, { method: 'DELETE' });
		assert.equal(answer.status, 405);
		assert.match(answer.headers.get('allow'), /POST/);
	});
});

/** As world.request, with a Host header of one's own, which fetch() does not allow. */
function requestAt(host, requestPath, body) {
	return new Promise((resolve, reject) => {
		const headers = { host, 'content-type': 'application/json' };
		const request = http.request({ host: '127.0.0.1', port: world.port, path: requestPath, method: 'POST', headers }, (answer) => {
			let text = '';
			answer.on('data', (part) => (text += part));
			answer.on('end', () => resolve({ status: answer.statusCode, json: JSON.parse(text) }));
		});
		request.on('error', reject);
		request.end(JSON.stringify(body));
	});
}

describe('whose page it is', () => {
	test('a domain of the organization, in either case and with a port, without /o/', async () => {
		await world.callpower(['tenant', 'host', 'add', 'one', 'call.one.example']);
		for (const host of ['call.one.example', 'CALL.One.Example:8080', 'call.one.example.']) {
			await until(`the organization at ${host}`, async () => (await requestAt(host, '/call/create', good())).status === 200);
		}
		assert.equal((await requestAt('call.two.example', '/call/create', good())).status, 404);
		await world.callpower(['tenant', 'host', 'remove', 'one', 'call.one.example']);
		await until('the organization to be gone from there', async () => (await requestAt('call.one.example', '/call/create', good())).status === 404);
	});

	test('a domain of one and a path of another name nobody', async () => {
		await world.callpower(['tenant', 'host', 'add', 'one', 'call.one.example']);
		await until('the organization', async () => (await requestAt('call.one.example', '/call/create', good())).status === 200);
		assert.equal((await requestAt('call.one.example', '/o/two/call/create', { ...good(), campaignId: others })).status, 404);
	});

	test("the platform's own domain with the organization's slug in front", async () => {
		assert.equal((await requestAt('one.call.example', '/call/create', good())).status, 200);
		assert.equal((await requestAt('nobody.call.example', '/call/create', good())).status, 404);
	});

	test('a host that is no name is refused and harms nobody', async () => {
		for (const host of ['', 'a b', '..', '[::1', 'x'.repeat(300)]) {
			const answer = await requestAt(host, '/call/create', good()).catch((error) => ({ status: 400, error }));
			assert.ok([400, 404].includes(answer.status), `${host}: ${answer.status}`);
		}
		assert.equal((await world.request('/health')).status, 200);
	});

	test('an organization that is suspended starts no call, and does again when it is resumed', async () => {
		await world.callpower(['tenant', 'suspend', 'one']);
		await until('the organization to be suspended', async () => (await world.request(path, { body: good() })).json.error === 'organization_suspended');
		await world.callpower(['tenant', 'resume', 'one']);
		await until('the organization to be back', async () => (await world.request(path, { body: good() })).status === 200);
		await world.carrier.idle();
	});
});

describe('what the carrier refuses', () => {
	const refusals = { invalid: 21217, unreachable: 21214, region: 21215, blocked: 21216 };
	for (const outcome of Object.keys(refusals)) {
		test(`a number that it calls ${outcome}`, async () => {
			await world.carrier.scenario({ phones: { '+14155550144': { outcome } } });
			const before = await rows();
			const answer = await world.request(path, { body: { ...good(), userPhone: '+14155550144' } });
			assert.ok(answer.status >= 400 && answer.status < 600, `${answer.status} ${answer.body}`);
			assert.match(answer.json.error, /^[a-z_]+$/);
			const open = await world.sql.value("select count(*) from call_session where ended_at is null and created_at > app_now() - interval '10 seconds'");
			assert.equal(open, 0);
			const count = await rows();
			assert.ok(count === before || (await world.sql.value("select status from call_session order by created_at desc, session_id desc limit 1")) === 'failed');
			await world.carrier.reset();
		});
	}

	test('wrong credentials are no fault of the supporter', async () => {
		await world.carrier.scenario({ rest: { fail_next: 1, status: 401, code: 20003, message: 'Authenticate' } });
		const answer = await world.request(path, { body: good() });
		assert.ok(answer.status >= 500, `${answer.status} ${answer.body}`);
		assert.match(answer.json.error, /^[a-z_]+$/);
		await world.carrier.reset();
	});
});
