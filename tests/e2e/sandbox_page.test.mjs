// From the form on the sandbox's page to the last row in the database, by a person in a real browser: ask for a call, pick up, listen,
// press a key, see who is dialled, hang up. The page by itself, and the keyboard, are carrier_page.test.mjs's matter.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { patience } from '../harness/places.mjs';
import { until, World } from '../harness/world.mjs';

const world = await World.make(import.meta.url);
const browserProgram = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
let context, page, profile, tenant;
const outside = [];
const complaints = [];

before(async () => {
	assert.ok(browserProgram, 'Chromium is missing; deploy/install-packages test installs it');
	tenant = await world.tenant({ slug: 'one', name: 'One of Many' });
	await world.campaign(tenant);
	const flags = ['--interactive', '--server', world.publicUrl, '--campaign', String(tenant.latestCampaign), '--path', '/o/one/call/create'];
	await world.startCarrier({ speed: 4, flags, scenario: { target: { answer_after: 2, talk: 600 } } });
	await world.startServer();
	profile = mkdtempSync(join(tmpdir(), 'cp-browser-'));
	context = await chromium.launchPersistentContext(profile, {
		executablePath: browserProgram,
		args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
		viewport: { width: 1280, height: 900 },
	});
	context.setDefaultTimeout(20000 * patience);
	page = await context.newPage();
	page.on('request', (request) => {
		if (new URL(request.url()).hostname !== '127.0.0.1') outside.push(request.url());
	});
	page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
	page.on('pageerror', (error) => complaints.push(String(error)));
});
after(async () => {
	await context?.close();
	if (profile) rmSync(profile, { recursive: true, force: true });
	await world.close();
});

test('a person asks for a call, picks up, presses a key, is connected and hangs up', { timeout: 120000 * patience }, async () => {
	await page.goto(world.carrier.url);
	await page.getByLabel('Telephone number').fill('+14155550123');
	await page.getByLabel('Postal code').fill(world.country.place);
	await page.getByRole('button', { name: 'Call this number' }).click();

	const supporter = page.locator('.phone--supporter');
	await supporter.getByText('(415) 555-0123').waitFor();
	await supporter.getByText('Ringing…').waitFor();
	assert.equal(await supporter.getByRole('group', { name: 'Keypad' }).isVisible(), false, 'no keys before the telephone is picked up');
	await supporter.getByRole('button', { name: 'Answer' }).click();
	await supporter.getByText('One of Many').first().waitFor();
	await supporter.getByText(/Press any key/).waitFor();
	await supporter.getByRole('button', { name: '1', exact: true }).click();

	const [first] = (await world.plan()).targets;
	await supporter.getByText(new RegExp(`Now calling .*${first.name}`)).waitFor();
	const office = page.locator('.phone--office');
	const number = `(${first.phone.slice(2, 5)}) ${first.phone.slice(5, 8)}-${first.phone.slice(8)}`;
	await office.getByText(number).first().waitFor();
	await office.getByText(/In call/).first().waitFor();
	await page.screenshot({ path: join(world.logs, 'in-call.png') });
	await supporter.getByRole('button', { name: 'Hang up' }).click();
	await supporter.getByText(/Completed/).waitFor();

	const row = await until('the session to be ended', async () => {
		const [found] = await world.sql.rows('select status, ended_at from call_session');
		return found?.ended_at && found;
	});
	assert.equal(row.status, 'completed');
	const attempts = await world.sql.rows('select target_name, status, bridged from call_attempt');
	assert.deepEqual(attempts, [{ target_name: first.name, status: 'completed', bridged: true }]);
});

test('a refusal of the server is told at the form', async () => {
	await page.getByLabel('Postal code').fill('nowhere');
	await page.getByRole('button', { name: 'Call this number' }).click();
	await page.getByText(/postal code/i).last().waitFor();
	await until('the sentence of the server', async () => /do not know this postal code/.test(await page.locator('#ask-said').textContent()));
});

test('it asks nobody but the sandbox, and nothing on it goes wrong', () => {
	assert.deepEqual(outside, []);
	assert.deepEqual(complaints.filter((text) => !/502/.test(text)), []);
});
