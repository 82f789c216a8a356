// The command that a newcomer types, in a copy of the checkout whose path is long and has spaces.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkout, dataFolder, patience, resultsFolder } from '../harness/places.mjs';
import { run, startTime } from '../harness/processes.mjs';
import { until } from '../harness/world.mjs';

const parent = join(resultsFolder, 'e2e copy', `a folder with spaces ${'and a very long name '.repeat(7)}end`);
const copy = join(parent, 'call power');
const environment = { ...process.env, CALLPOWER_DATA: dataFolder ?? '', PGPORT: '1', CALLPOWER_DATABASE_APP: 'host=/nowhere' };
if (!dataFolder) delete environment.CALLPOWER_DATA;
const demo = join(copy, 'deploy', 'demo');
const beside = join(parent, 'another');

before(() => {
	rmSync(join(resultsFolder, 'e2e copy'), { recursive: true, force: true });
	mkdirSync(copy, { recursive: true });
	for (const name of readdirSync(checkout)) {
		if (/^(var|\.git|build.*)$/.test(name)) continue;
		cpSync(join(checkout, name), join(copy, name), { recursive: true, filter: (path) => basename(path) !== 'node_modules' });
	}
	assert.ok(copy.length > 150, `${copy.length} characters`);
	// As below /root: PostgreSQL's user cannot come here.
	if (process.getuid() === 0) chmodSync(parent, 0o700);
});
after(async () => {
	for (const folder of [copy, beside]) {
		await run('bash', [join(copy, 'tests', 'harness', 'postgres'), 'remove', join(folder, 'var', 'demo', 'postgres')]);
	}
	rmSync(join(resultsFolder, 'e2e copy'), { recursive: true, force: true });
});

/** Processes that have the copy's path in their command line or as their working directory. */
function processesOfCopy() {
	return readdirSync('/proc').filter((name) => {
		if (!/^\d+$/.test(name)) return false;
		try {
			return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(copy) && startTime(Number(name)) !== null;
		} catch {
			return false;
		}
	});
}

const options = { timeout: 600000 * patience };

test('deploy/demo --once from another folder does everything, tells it, and stops it', options, async () => {
	const done = await run(demo, ['--once'], { env: environment, cwd: '/', timeout_ms: 580000 * patience });
	assert.equal(done.status, 0, `${done.stdout}\n${done.stderr}`);
	for (const words of ['rings', 'picks up', 'presses 1', 'dials', 'call_session', 'call_attempt', 'Everything worked', 'curl ']) {
		assert.ok(done.stdout.includes(words), `"${words}" is missing in:\n${done.stdout}`);
	}
	assert.ok(!done.stdout.includes('\u001b['), 'colours belong on a terminal only');
	if (dataFolder) assert.equal(done.stdout.match(/CallPower dials/g)?.length, 3, done.stdout);
	assert.deepEqual(processesOfCopy(), []);

	const lines = readFileSync(join(copy, 'var', 'demo', 'transcript.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
	for (const line of lines) assert.deepEqual(Object.keys(line).sort(), ['body', 'form', 'from', 'headers', 'method', 'status', 'time', 'url']);
	assert.ok(lines.some(({ from, method, url }) => from === 'server' && method === 'POST' && url.endsWith('/Calls.json')));
	assert.ok(lines.some(({ from, url }) => from === 'carrier' && url.endsWith('/answer')));
});

test('the second time takes seconds', options, async () => {
	const started = Date.now();
	const done = await run(demo, ['--once'], { env: environment, cwd: '/tmp' });
	assert.equal(done.status, 0, `${done.stdout}\n${done.stderr}`);
	const seconds = (Date.now() - started) / 1000;
	assert.ok(seconds < 45 * patience, `${seconds} s`);
});

test('killed, it leaves nothing that the next run does not clean up; a second one beside it is refused; Ctrl-C stops it', options, async () => {
	const start = () => {
		const child = spawn(demo, [], { env: environment, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], detached: true });
		child.text = '';
		for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (child.text += part));
		child.ended = new Promise((resolve) => child.on('exit', (status, signal) => resolve({ status, signal })));
		return child;
	};
	const tells = (child, words) => until(`"${words}" in: ${child.text.slice(-500)}`, () => child.text.includes(words), { timeout_ms: 120000 });
	const up = (child) => tells(child, 'stays up until');

	const first = start();
	await up(first);
	const refused = await run(demo, ['--once'], { env: environment });
	assert.notEqual(refused.status, 0);
	assert.match(refused.stderr, /runs already/);
	process.kill(first.pid, 'SIGKILL');
	await first.ended;
	assert.ok(existsSync(join(copy, 'var', 'demo', 'server.pid')));

	// Killed while it waits for a call: what waits outlives it for as long as the call takes, and the lock with it.
	const amid = start();
	await tells(amid, 'you will be connected to');
	process.kill(amid.pid, 'SIGKILL');
	await amid.ended;

	const second = start();
	await up(second);
	const server = Number(readFileSync(join(copy, 'var', 'demo', 'server.pid'), 'utf8').split(' ')[0]);
	assert.ok(startTime(server) !== null);
	const elsewhere = join(copy, 'var', 'demo', 'postgres', 'data.path');
	assert.equal(existsSync(elsewhere), process.getuid() === 0);
	const data = existsSync(elsewhere) ? readFileSync(elsewhere, 'utf8').trim() : join(copy, 'nowhere');
	process.kill(-second.pid, 'SIGINT');
	const { status } = await second.ended;
	assert.equal(status, 130, second.text);
	assert.equal(startTime(server), null);
	assert.deepEqual(processesOfCopy(), []);
	assert.ok(!existsSync(data), `${data} is left`);
});

test('two checkouts at the same time do not disturb each other', options, async () => {
	cpSync(copy, beside, { recursive: true, filter: (path) => !['build', 'var'].includes(basename(path)) });
	symlinkSync(join(copy, 'build'), join(beside, 'build'));
	const both = await Promise.all([copy, beside].map((folder) => run(join(folder, 'deploy', 'demo'), ['--once'], { env: environment })));
	for (const done of both) assert.equal(done.status, 0, `${done.stdout}\n${done.stderr}`);
	const [one, other] = both.map(({ stdout }) => new Set(stdout.match(/http:\/\/127\.0\.0\.1:\d+/g)));
	assert.deepEqual([...one].filter((address) => other.has(address)), []);
});

test('where a part fails, it says why and the status is not 0', options, async () => {
	const done = await run(demo, ['--once'], { env: { ...environment, CALLPOWER_DATA: '/nowhere' } });
	assert.equal(done.status, 1, done.stdout);
	assert.match(done.stderr, /The demo failed: /);
	assert.deepEqual(processesOfCopy(), []);
});

test('an unknown option is refused with what there is', async () => {
	const done = await run(demo, ['--twice'], { env: environment });
	assert.equal(done.status, 2);
	assert.match(done.stderr, /--once/);
});
