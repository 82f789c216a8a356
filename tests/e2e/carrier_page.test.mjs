// The sandbox's page in a browser: a person is the supporter, by mouse and by keyboard. Skipped where there is no Chromium.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { Stage } from '../integration/carrier_stage.mjs';

const browserProgram = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
const skip = browserProgram ? false : 'no Chromium here (Debian: apt-get install chromium)';

let stage, browser, page;
const problems = [];

before(async () => {
	if (skip) return;
	const { chromium } = await import('playwright-core');
	stage = await Stage.start({ speed: 50, flags: ['--interactive'] });
	browser = await chromium.launch({
		executablePath: browserProgram,
		args: ['no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking', 'disable-component-update', 'disable-sync']
			.map((flag) => `--${flag}`),
	});
	page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
	page.on('pageerror', (error) => problems.push(error.message));
	page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
	page.on('request', (request) => request.url().startsWith(stage.carrier.url) || problems.push(`asked for ${request.url()}`));
	await page.goto(stage.carrier.url);
	await page.getByText('Connected', { exact: true }).waitFor();
});
after(async () => {
	await browser?.close();
	if (stage) assert.deepEqual(await stage.stop(), { status: 0, signal: null });
});
afterEach(async () => {
	if (!skip) await stage.clear();
	assert.deepEqual(problems.splice(0), []);
});

const supporter = () => page.getByRole('region', { name: 'Supporter' });
const office = () => page.getByRole('region', { name: 'Office' });

test('a person answers, presses a key, is connected, and hangs up', { skip }, async () => {
	stage.answers = {
		answer: '<Gather numDigits="1" timeout="3600" action="go"><Say language="en-US">Press one &amp; be heard.</Say></Gather>',
		go: '<Say>To the office.</Say><Dial action="done" timeout="600">+12025550101</Dial>',
	};
	await stage.carrier.scenario({ target: { outcome: 'interactive' } });
	await page.getByRole('heading', { name: 'Waiting for a call' }).waitFor();
	const { json } = await stage.post({ Timeout: 600 });
	await supporter().getByText('(415) 555-0123').waitFor();
	await supporter().getByText('Ringing…').waitFor();
	await supporter().getByRole('button', { name: 'Answer' }).click();
	await supporter().getByRole('log').getByText('Press one & be heard.').waitFor();
	await supporter().getByRole('button', { name: '7', exact: true }).click();
	await supporter().getByRole('log').getByText('To the office.').waitFor();
	await office().getByText('Caller ID (500) 555-0006').waitFor();
	await office().getByRole('button', { name: 'Answer' }).click();
	await supporter().getByText('Connected to (202) 555-0101').waitFor();
	await supporter().getByRole('button', { name: 'Hang up' }).click();
	await supporter().getByText(/^Completed · /).waitFor();
	await stage.carrier.idle();
	assert.equal(stage.seen('go')[0].params.Digits, '7');
	assert.equal(stage.seen('done')[0].params.DialBridged, 'true');
	assert.equal((await stage.carrier.call(json.sid)).story.find(({ kind, leg }) => kind === 'hangup' && !leg).by, 'caller');
});

test('the keyboard is enough', { skip }, async () => {
	stage.answers = { answer: '<Gather numDigits="2" timeout="3600" action="go"/>', go: '<Hangup/>' };
	await stage.post({ Timeout: 600 });
	const answer = supporter().getByRole('button', { name: 'Answer' });
	await answer.focus();
	await page.keyboard.press('Enter');
	await supporter().getByRole('button', { name: 'star' }).waitFor();
	await supporter().getByText('Waiting for keys').waitFor();
	await supporter().getByRole('log').focus();
	await page.keyboard.press('4');
	await page.keyboard.press('2');
	await stage.carrier.idle();
	assert.equal(stage.seen('go')[0].params.Digits, '42');
});

test('a call of the log is shown again, and a reset empties the page', { skip }, async () => {
	await stage.carrier.scenario({ phones: { '+1415555*': { answer_after: 0, outcome: 'busy' } } });
	stage.answers = { answer: '' };
	for (const To of ['+14155550101', '+14155550102']) {
		const { json } = await stage.post({ To });
		await stage.carrier.control(`calls/${json.sid}/hangup`, { body: {} }).catch(() => {});
	}
	await page.getByRole('button', { name: /\(415\) 555-0101/ }).click();
	await supporter().getByText('(415) 555-0101').waitFor();
	await page.getByRole('button', { name: 'Follow the newest' }).click();
	await supporter().getByText('(415) 555-0102').waitFor();
	await stage.carrier.reset();
	await page.getByRole('heading', { name: 'Waiting for a call' }).waitFor();
});

test('it fits a telephone and a dark room', { skip }, async () => {
	await stage.post({ Timeout: 600 });
	const context = await browser.newContext({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
	const narrow = await context.newPage();
	await narrow.goto(stage.carrier.url);
	await narrow.getByRole('button', { name: 'Answer' }).waitFor();
	assert.equal(await narrow.evaluate(() => document.documentElement.scrollWidth), 360, 'nothing sticks out sideways');
	const unnamed = await narrow.evaluate(() =>
		[...document.querySelectorAll('button')].filter((each) => each.checkVisibility() && !(each.ariaLabel || each.textContent.trim())).length);
	assert.equal(unnamed, 0, 'every button has a name');
	await narrow.getByRole('button', { name: 'Decline' }).click();
	await context.close();
});
