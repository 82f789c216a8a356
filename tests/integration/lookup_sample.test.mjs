// `callpower lookup` on the made-up country, which is in the repository: always tested.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { buildFolder, checkout, program } from '../harness/places.mjs';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'cp-sample-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const sample = join(checkout, 'providers', 'sample', 'data');

const environment = (extra) => ({ ...process.env, CALLPOWER_DATA: sample, CALLPOWER_CACHE_DIR: join(folder, 'cache'), ...extra });

async function lookup(codes, options = [], extra = {}) {
	const child = spawn(program, ['lookup', 'xs', '--postal-file', '-', ...options], { env: environment(extra), stdio: ['pipe', 'pipe', 'pipe'] });
	child.stdin.on('error', () => {}); // it may end before it has read them, which its status and output then tell
	child.stdin.end(codes.map((code) => `${code}\n`).join(''));
	const text = { out: '', err: '' };
	child.stdout.on('data', (part) => (text.out += part));
	child.stderr.on('data', (part) => (text.err += part));
	const status = await new Promise((resolve) => child.on('close', resolve));
	return { status, err: text.err, answers: text.out.split('\n').filter(Boolean).map((line) => JSON.parse(line)) };
}

const names = (answer) => answer.targets.map((target) => target.key.split(':')[2]);

test('a code in one district: both chambers, from standard input', async () => {
	const { status, answers } = await lookup(['n 101'], ['--type', 'parliament', '--subtype', 'both', '--order', 'upper-first']);
	assert.equal(status, 0);
	assert.deepEqual(answers, [{
		input: 'n 101',
		divisions: ['ocd-division/country:xs/province:north', 'ocd-division/country:xs/province:north/district:1'],
		split: false,
		targets: [
			{ key: 'xs:sample:amber', name: 'Amber Ångström', title: 'Senator', district: 'north', phone: '+12025550101' },
			{ key: 'xs:sample:dmitri', name: 'Dmitri Dale', title: 'Deputy', district: 'north-1', phone: '+12025550104' },
		],
	}]);
});

test('a split code, a code over two provinces, a vacant seat, a member without telephone', async () => {
	const { answers: [split, two, vacant] } = await lookup(['N102', 'B200', 'S302']);
	assert.ok(split.split && two.split && !vacant.split);
	assert.deepEqual(names(split), ['dmitri', 'edda', 'amber']);
	assert.deepEqual(names(two), ['edda', 'femi', 'amber', 'bruno']);
	assert.equal(split.targets[1].phone, null);
	assert.deepEqual(names(vacant), ['bruno']);
	assert.match(vacant.warnings.join(), /south-2 is vacant/);
});

test('orders: a party first or only, with those who sit with it', async () => {
	const first = await lookup(['B200', 'I401'], ['--order', 'lanterns-first']);
	assert.deepEqual(first.answers.map(names), [['edda', 'amber', 'femi', 'bruno'], ['gilda', 'clara']]);
	const only = await lookup(['B200', 'I401'], ['--order', 'lanterns-only']);
	assert.deepEqual(only.answers.map(names), [['edda', 'amber'], ['gilda', 'clara']]);
});

test('what is asked for and is not there is named, with what there is', async () => {
	for (const [options, pattern] of [
		[['--type', 'congress'], /no campaigns of the type "congress", only: parliament/],
		[['--subtype', 'none'], /no subtype "none", only: both, upper, lower/],
		[['--order', 'best'], /no order "best", only: in-order, shuffle/],
	]) {
		const { status, err, answers } = await lookup(['N101'], options);
		assert.equal(status, 1);
		assert.deepEqual(answers, []);
		assert.match(err, pattern);
	}
	await assert.rejects(run(program, ['lookup', 'zz', '--postal-file', '/dev/null'], { env: environment() }), /no plugin for the country "zz", only for: us, xs/);
	await assert.rejects(run(program, ['lookup', 'xs'], { env: environment() }), (error) => error.code === 2 && /--postal-file is missing/.test(error.stderr));
});

test('bytes that are no text are answered as an error, in JSON', async () => {
	const child = spawn(program, ['lookup', 'xs', '--postal-file', '-'], { env: environment(), stdio: ['pipe', 'pipe', 'inherit'] });
	child.stdin.end(Buffer.from([0xff, 0xfe, 0x0a, 0x4e, 0x00, 0x0a, 0x4e, 0x31, 0x30, 0x31]));
	let out = '';
	child.stdout.on('data', (part) => (out += part));
	await new Promise((resolve) => child.on('close', resolve));
	const answers = out.trimEnd().split('\n').map((line) => JSON.parse(line));
	assert.equal(answers.length, 3);
	assert.ok(answers[0].error && answers[1].error);
	assert.equal(answers[2].targets.length, 2);
});

test('a compiled file is used again; a damaged one is made again', async () => {
	await lookup(['N101']);
	const cache = join(folder, 'cache');
	const [file] = readdirSync(cache).filter((name) => name.endsWith('.compiled'));
	const bytes = readFileSync(join(cache, file));
	writeFileSync(join(cache, file), bytes.subarray(0, bytes.length - 5000));
	const { status, answers } = await lookup(['N101']);
	assert.equal(status, 0);
	assert.equal(answers[0].targets.length, 2);
	assert.ok(readFileSync(join(cache, file)).length > bytes.length - 5000);
});

test('documents that cannot be read are refused with file, line and reason', async () => {
	const broken = join(folder, 'broken');
	const cases = [
		['members.yaml', (text) => text.replace(/"\+12025550108"[^]*/, '"+1202'), /members\.yaml:\d+: not well-formed YAML: found unexpected end of stream/],
		['members.yaml', (text) => text.replace('id: bruno', 'id: amber'), /members\.yaml:10: the person "sample:amber" is there twice/],
		['members.yaml', (text) => text.replace('"+12025550102"', '"555-01"'), /members\.yaml:\d+: "555-01" is no telephone number/],
		['members.yaml', (text) => text.replace('Bruno', 'Bru\u0000no'), /members\.yaml:11: there is a NUL byte/],
		['members.yaml', (text) => Buffer.from(text, 'latin1'), /members\.yaml:3: byte 0xC5 is not UTF-8/],
		['places.csv', (text) => text.replace('N101,north,1,1', 'N101,north,1'), /places\.csv:2: the row has 3 fields, the header has 4/],
		['places.csv', (text) => text.replace('N101,north,1,1', 'N101,north,9,1'), /places\.csv:2: there is no division/],
		['places.csv', (text) => `${text}N101,north,1,1\n`, /places\.csv:11: the postal code "N101" is listed twice/],
		['seats.csv', (text) => text.replace('north,1,assembly,Deputy', 'north,1,"assembly,Deputy'), /seats\.csv:5: a quoted field is not closed/],
	];
	for (const [name, change, pattern] of cases) {
		rmSync(broken, { recursive: true, force: true });
		mkdirSync(broken);
		cpSync(sample, broken, { recursive: true });
		writeFileSync(join(broken, name), change(readFileSync(join(sample, name), 'utf8')));
		const { status, err } = await lookup(['N101'], [], { CALLPOWER_DATA: broken, CALLPOWER_CACHE_DIR: join(folder, 'empty') });
		assert.equal(status, 1, `${name} ${pattern}`);
		assert.match(err, pattern);
	}
	rmSync(join(broken, 'places.csv'));
	const { err } = await lookup(['N101'], [], { CALLPOWER_DATA: broken, CALLPOWER_CACHE_DIR: join(folder, 'empty') });
	assert.match(err, /the document "places" \(places\.csv\) of Samplia is neither in .* published at https:/);
});

test('a plugin that others could write to is refused, and the others go on', async () => {
	const plugins = join(folder, 'plugins');
	cpSync(join(buildFolder, 'providers'), plugins, { recursive: true, filter: (path) => !path.endsWith('.p') });
	const { chmodSync } = await import('node:fs');
	chmodSync(plugins, 0o755);
	chmodSync(join(plugins, 'us.so'), 0o666);
	writeFileSync(join(plugins, 'words.so'), 'these are words', { mode: 0o644 });
	const { status, err, answers } = await lookup(['N101'], [], { CALLPOWER_PROVIDERS_DIR: plugins });
	assert.equal(status, 0);
	assert.equal(answers[0].targets.length, 2);
	assert.match(err, /us\.so is refused: it can be written by others/);
	assert.match(err, /words\.so is refused: it is not an ELF file/);
	chmodSync(plugins, 0o777);
	const open = await lookup(['N101'], [], { CALLPOWER_PROVIDERS_DIR: plugins });
	assert.equal(open.status, 1);
	assert.match(open.err, /can be written by others than its owner/);
});
