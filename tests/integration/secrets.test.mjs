// What the server knows and must not tell: no secret, webhook token or whole phone number in its logs or answers, no core file.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { until, World } from '../harness/world.mjs';

const world = await World.make(import.meta.url);
after(() => world.close());

const account = 'AC00112233445566778899aabbccddeeff';
const secret = 'c0ffee00112233445566778899aabbcc';
const phone = '+15555550142';
const session = '01930000-0000-7000-8000-000000000000';
let token;

/** A webhook to a session that does not exist, signed with that secret as the carrier signs. The status. */
async function webhook(voiceToken, key) {
	const path = `/voice/${voiceToken}/${session}/answer`, form = { AccountSid: account, CallSid: `CA${'0'.repeat(32)}` };
	const signed = Object.keys(form).sort().reduce((text, name) => text + name + form[name], world.publicUrl + path);
	const signature = createHmac('sha1', key).update(signed).digest('base64');
	return (await world.request(path, { body: new URLSearchParams(form), headers: { 'x-twilio-signature': signature } })).status;
}

before(async () => {
	await world.callpower(['tenant', 'create', 'one', '--name', 'One', '--account-sid', account, '--auth-token-file', '-'], { input: secret });
	({ voice_token: token } = await world.sql.row("select voice_token from tenant where slug = 'one'"));
	await world.startServer({ CALLPOWER_LOG_LEVEL: 'debug' });
	await until('the organization to be known', async () => (await webhook(token, 'wrong')) === 403);
});

test('a webhook that is not signed with the organization’s secret is refused, and neither answer nor log tells what was expected', async () => {
	const signatures = [undefined, '', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=', 'x'.repeat(5000)];
	for (const signature of signatures) {
		const answer = await world.request(`/voice/${token}/${session}/answer`, {
			body: new URLSearchParams({ AccountSid: account, From: phone, To: phone, CallSid: `CA${'0'.repeat(32)}` }),
			headers: signature === undefined ? {} : { 'x-twilio-signature': signature },
		});
		assert.equal(answer.status, 403);
		for (const kept of [secret, token, phone]) assert.ok(!answer.body.includes(kept));
	}
});

test('a new secret counts without a restart, and the old one no more', async () => {
	const next = 'another-secret-0123456789';
	assert.notEqual(await webhook(token, secret), 403);
	assert.equal(await webhook(token, next), 403);
	await world.callpower(['tenant', 'credentials', 'one', '--auth-token-file', '-'], { input: next });
	await until('the new secret to count', async () => (await webhook(token, next)) !== 403);
	assert.equal(await webhook(token, secret), 403);
});

test('another organization’s secret signs nothing here', async () => {
	const other = 'secret-of-the-other-one-1234';
	await world.callpower(['tenant', 'create', 'two', '--name', 'Two', '--account-sid', account, '--auth-token-file', '-'], { input: other });
	const { voice_token: otherToken } = await world.sql.row("select voice_token from tenant where slug = 'two'");
	await until('the other organization to be known', async () => (await webhook(otherToken, other)) !== 404 && (await webhook(otherToken, 'wrong')) === 403);
	assert.equal(await webhook(token, other), 403);
});

test('what people send does not come back in the log', async () => {
	await world.request('/o/one/call/create', { body: { campaignId: 1, userPhone: phone, userLocation: '00001' } });
	await world.request('/o/one/call/create', { body: new URLSearchParams({ campaignId: 'x', userPhone: phone }) });
	await world.request(`/o/one/call/create?userPhone=${encodeURIComponent(phone)}`, { body: '{' });
});

test('the server leaves no core file', () => {
	assert.match(readFileSync(`/proc/${world.server.pid}/limits`, 'utf8'), /^Max core file size +0 +0 /m);
});

test('the log of all this, at its most talkative, holds nothing that must be kept', async () => {
	const log = world.server.output();
	assert.match(log, /voice\.refused/); // it does tell what happened
	const key = readFileSync(world.settings.CALLPOWER_MASTER_KEY_FILE, 'utf8').split('\n').find((line) => /^[A-Za-z0-9+/]{43}=$/.test(line));
	for (const kept of [secret, 'another-secret', token, phone, phone.slice(1), key]) assert.ok(!log.includes(kept), `the log holds ${kept.slice(0, 6)}…`);
});
