// Runs test files against one build, in the private PostgreSQL cluster that CP_TEST_DATABASE names (tests/run starts it):
//
//     node tests/harness/run.mjs --results FOLDER --step NAME FILE ...
//
// Each file gets databases of its own (see world.mjs). Prints what node's own test runner prints, the logs of a file's programs
// where it failed, and writes FOLDER/NAME.count ("passed failed skipped") for tests/run. Leaves no process behind.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, relative } from 'node:path';
import { run as runTests } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { checkout, patience } from './places.mjs';
import { killLeftOvers } from './processes.mjs';
import { prepareTemplate } from './cluster.mjs';

const { values, positionals: files } = parseArgs({
	options: { results: { type: 'string' }, step: { type: 'string' } },
	allowPositionals: true,
});
const logs = join(values.results, values.step);
rmSync(logs, { recursive: true, force: true });
mkdirSync(logs, { recursive: true });
process.env.CP_TEST_LOGS = logs;

const count = { passed: 0, failed: 0, skipped: 0 };
const reasons = { failures: [], skipped: [] };
const failedFiles = new Set();

function title(data) {
	return `${values.step}: ${data.file ? basename(data.file) : ''}: ${data.name}`;
}

function tally(state, data) {
	const skip = data.skip ?? data.todo;
	// what is in a suite counts, the suite does not; but nothing is in one that is skipped as a whole
	if (data.details?.type === 'suite' && (skip === undefined || skip === false)) return;
	if (skip !== undefined && skip !== false) {
		count.skipped++;
		reasons.skipped.push(`${title(data)}${typeof skip === 'string' && skip ? `: ${skip}` : ''}`);
	} else if (state === 'pass') {
		count.passed++;
	} else {
		count.failed++;
		const error = data.details?.error;
		reasons.failures.push(`${title(data)}: ${String(error?.cause?.message ?? error?.message ?? '').split('\n')[0]}`);
		if (data.file) failedFiles.add(data.file);
	}
}

/** The end of each log of a file's programs, where one of its tests failed. */
function showLogs(file) {
	const folder = join(logs, basename(file, '.test.mjs'));
	if (!existsSync(folder)) return;
	for (const name of readdirSync(folder, { recursive: true }).filter((entry) => entry.endsWith('.log'))) {
		const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
		console.log(`\n---- the end of ${relative(checkout, join(folder, name))} (${lines.length} lines)`);
		console.log(lines.slice(-60).join('\n'));
	}
}

function finish() {
	writeFileSync(join(values.results, `${values.step}.count`), `${count.passed} ${count.failed} ${count.skipped}\n`);
	for (const name of Object.keys(reasons)) {
		if (reasons[name].length) appendFileSync(join(values.results, `${name}.reasons`), `${reasons[name].join('\n')}\n`);
	}
}

killLeftOvers();
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
	process.on(signal, () => {
		interrupted = true;
		killLeftOvers();
		process.exit(1);
	});
}

try {
	await prepareTemplate();
} catch (error) {
	console.error(error.message);
	count.failed++;
	reasons.failures.push(`${values.step}: the database could not be made ready: ${error.message.split('\n')[0]}`);
	finish();
	process.exit(1);
}

const stream = runTests({ files, concurrency: Math.min(2, availableParallelism()), timeout: 300000 * patience });
stream.on('test:pass', (data) => tally('pass', data));
stream.on('test:fail', (data) => tally('fail', data));
const reporter = new spec();
stream.compose(reporter).pipe(process.stdout);
stream.on('end', () => {
	if (interrupted) return;
	finish();
	killLeftOvers();
	for (const file of failedFiles) showLogs(file);
	process.exitCode = count.failed ? 1 : 0;
});
