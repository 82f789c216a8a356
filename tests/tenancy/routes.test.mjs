// Every route, asked by one organization for what belongs to another: nothing of the other comes back, and nothing of it changes.
//
// Two organizations have everything alike but their names: the same country, the same kind of campaign, even the same carrier account
// and token, so that the address alone tells them apart.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import twilio from 'twilio';
import { account } from '../harness/carrier.mjs';
import { checkout, program } from '../harness/places.mjs';
import { run } from '../harness/processes.mjs';
import { until, World } from '../harness/world.mjs';

const carrierAccount = account(1);
const tenants = ['ring', 'tell'];
let world, carrier;
const calls = []; // what the server asked the carrier to ring: the form's fields
const secrets = {}; // by slug: everything of the organization that must not show elsewhere

/** A carrier that takes every call and does nothing more. */
function startCarrier() {
	return new Promise((resolve) => {
		const server = createServer((request, response) => {
			let body = '';
			request.on('data', (part) => (body += part));
			request.on('end', () => {
				calls.push(Object.fromEntries(new URLSearchParams(body)));
				response.writeHead(201, { 'content-type': 'application/json' });
				response.end(JSON.stringify({ sid: `CA${String(calls.length).padStart(32, '0')}`, status: 'queued', queue_time: '0' }));
			});
		}).listen(0, '127.0.0.1', () => resolve(server));
	});
}

async function create(slug, campaignId, phone) {
	return world.request(`/o/${slug}/call/create`, { body: { campaignId, userPhone: phone, userCountry: 'US', userLocation: 'N101' } });
}

before(async () => {
	world = await World.make(import.meta.url);
	carrier = await startCarrier();
	world.settings.CALLPOWER_CARRIER_URL = `http://127.0.0.1:${carrier.address().port}`;
	await world.callpower(['data', 'update', 'xs', '--from', join(checkout, 'providers/sample/data')]);
	for (const slug of tenants) {
		await world.callpower(
			['tenant', 'create', slug, '--name', `${slug} name`, '--account-sid', carrierAccount.sid, '--auth-token-file', '-', '--number', carrierAccount.number],
			{ input: carrierAccount.token },
		);
		// the second organization has one campaign more, so that its number names nothing of the first
		for (let i = 0; i <= tenants.indexOf(slug); ++i) {
			await world.callpower(['campaign', 'create', slug, '--name', `${slug} campaign ${i + 1}`, '--country', 'xs', '--type', 'parliament', '--language', 'en-US']);
			await world.callpower(['campaign', 'launch', slug, String(i + 1)]);
		}
	}
	await world.startServer();
	await until('the organizations and the data', async () => (await create('ring', 1, '4155550100')).status === 200);
	assert.equal((await create('tell', 2, '4155550101')).status, 200);
	for (const slug of tenants) {
		const [row] = await world.sql.rows(`select t.tenant_id, t.voice_token, s.session_id from tenant t join call_session s using (tenant_id) where slug = '${slug}'`);
		secrets[slug] = row;
	}
});
after(async () => {
	carrier?.close();
	await world?.close();
});

/** Every row of the organization, to be compared before and after. */
const rowsOf = async (slug) => {
	const tables = await world.sql.rows(`select c.table_name as name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
		where c.table_schema = 'public' and c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE' order by 1`);
	assert.ok(tables.length >= 8, 'the tables are found');
	const parts = tables.map(({ name }) => `'${name}', (select json_agg(r order by r::text) from ${name} r where tenant_id = ${secrets[slug].tenant_id})`);
	return world.sql.value(`select json_build_object(${parts})`);
};

/** Asks as `ask` says; what is answered must hold nothing of the other organization, whose rows must stay as they are. */
async function untouched(other, ask) {
	const before = await rowsOf(other);
	const answer = await ask();
	assert.deepEqual(await rowsOf(other), before);
	for (const text of [`${other} name`, `${other} campaign`, secrets[other].voice_token])
		assert.ok(!answer.body.includes(text), `the answer tells "${text}": ${answer.body}`);
	return answer;
}

/** A signed webhook: `token` and `session` as in its address, signed with the account's token for `signedAddress` where that is another one. */
function webhook(token, session, step, fields = {}, signedAddress) {
	const path = `/voice/${token}/${session}/${step}`;
	const form = { CallSid: 'CA00000000000000000000000000000099', AccountSid: carrierAccount.sid, CallStatus: 'in-progress', To: '+14155550100', ...fields };
	const signature = twilio.getExpectedTwilioSignature(carrierAccount.token, signedAddress ?? world.publicUrl + path, form);
	return world.request(path, { body: new URLSearchParams(form), headers: { 'x-twilio-signature': signature } });
}

const steps = ['answer', 'human-try-1', 'dial-1-of-2-try-1', 'skip-1-of-2', 'status', 'fallback'];
/** One test a route of the server; a route without one fails the last test. */
const routes = {
	'post /o/{slug}/call/create': async () => {
		const answer = await untouched('tell', () => create('ring', 2, '4155550102'));
		assert.equal(answer.status, 404);
		assert.equal(answer.json.error, 'campaign_unknown');
	},
	'post /call/create': async () => {
		// without a host of its own, no organization is meant; a host of one and a path of another contradict each other
		const answer = await untouched('tell', () => world.request('/call/create', { body: { campaignId: 2, userPhone: '4155550102', userLocation: 'N101' } }));
		assert.equal(answer.json.error, 'organization_unknown');
	},
	'options /o/{slug}/call/create': async () => {
		assert.equal((await untouched('tell', () => world.request('/o/tell/call/create', { method: 'OPTIONS' }))).status, 204);
	},
	'options /call/create': async () => {
		assert.equal((await untouched('tell', () => world.request('/call/create', { method: 'OPTIONS' }))).status, 204);
	},
	'get /health': async () => {
		await untouched('ring', () => untouched('tell', () => world.request('/health')));
	},
	'post /voice/{token}/{session}/{step}': async () => {
		for (const step of steps) {
			// our own token, signed in order, with a session of the other's: it does not exist for us
			const foreign = await untouched('tell', () => webhook(secrets.ring.voice_token, secrets.tell.session_id, step, { CallStatus: 'completed', DialCallStatus: 'busy', Digits: '1' }));
			assert.ok([200, 204].includes(foreign.status), `${step}: ${foreign.status}`);
			assert.ok(!foreign.body.includes('<Dial'), foreign.body);
			// what our carrier signed for our address, sent to the other's
			const replayed = await untouched('tell', () => webhook(secrets.tell.voice_token, secrets.tell.session_id, step, { CallStatus: 'completed', Digits: '1' },
				`${world.publicUrl}/voice/${secrets.ring.voice_token}/${secrets.ring.session_id}/${step}`));
			assert.equal(replayed.status, 403, step);
		}
	},
};

for (const [route, check] of Object.entries(routes)) test(route, check);

test('no route is left out', async () => {
	const listed = await run(program, ['routes'], { env: { PATH: process.env.PATH } });
	assert.deepEqual(listed.stdout.trim().split('\n').sort(), Object.keys(routes).sort());
});

test('the same webhook in its own place is taken', async () => {
	const answer = await webhook(secrets.tell.voice_token, secrets.tell.session_id, 'answer', { To: '+14155550101' });
	assert.equal(answer.status, 200);
	assert.ok(answer.body.includes('tell name'), answer.body);
});
