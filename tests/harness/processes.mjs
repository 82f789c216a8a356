// Child processes that never outlive the run: each is noted in a file with its start time, so that a run that was killed leaves
// its children to be found by the next one, and no process of somebody else's is ever signalled.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { resultsFolder } from './places.mjs';

const notes = join(resultsFolder, 'processes');
const living = new Set();

/** When a process started, in clock ticks since boot, or null where there is none: with its number this names a process for good. */
export function startTime(pid) {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		return fields[0] === 'Z' ? null : fields[19];
	} catch {
		return null;
	}
}

function note(child) {
	mkdirSync(notes, { recursive: true });
	writeFileSync(join(notes, String(child.pid)), `${startTime(child.pid)}\n`);
}

/** Kills what an earlier run, or a test file that crashed, left behind. */
export function killLeftOvers() {
	let names = [];
	try {
		names = readdirSync(notes);
	} catch {
		return;
	}
	for (const name of names) {
		const started = readFileSync(join(notes, name), 'utf8').trim();
		if (started === startTime(Number(name))) {
			process.kill(Number(name), 'SIGKILL');
		}
		rmSync(join(notes, name), { force: true });
	}
}

process.on('exit', () => {
	for (const child of living) {
		child.kill('SIGKILL');
		rmSync(join(notes, String(child.pid)), { force: true });
	}
});

/** A program running in the background with its output in a log file. */
export class Program {
	constructor(command, args, { env, log, cwd } = {}) {
		this.log = log;
		const out = openSync(log, 'a');
		this.child = spawn(command, args, { env, cwd, stdio: ['ignore', out, out] });
		closeSync(out);
		living.add(this.child);
		this.ended = new Promise((resolve) => {
			this.child.on('error', (error) => resolve({ error }));
			this.child.on('exit', (status, signal) => {
				this.exit = { status, signal };
				living.delete(this.child);
				rmSync(join(notes, String(this.child.pid)), { force: true });
				resolve(this.exit);
			});
		});
		if (this.child.pid !== undefined) note(this.child);
	}

	get pid() {
		return this.child.pid;
	}

	get running() {
		return this.exit === undefined && this.child.pid !== undefined;
	}

	output() {
		return readFileSync(this.log, 'utf8');
	}

	/** As a crash would. */
	async kill() {
		this.child.kill('SIGKILL');
		return this.ended;
	}

	/** Asks it to end, and insists after patience_ms. The promise has how it ended. */
	async stop(patience_ms = 20000) {
		if (!this.running) return this.exit;
		this.child.kill('SIGTERM');
		const late = sleep(patience_ms, 'late', { ref: false });
		if ((await Promise.race([this.ended, late])) === 'late') {
			this.child.kill('SIGKILL');
			const exit = await this.ended;
			throw new Error(`process ${this.pid} did not end within ${patience_ms} ms of SIGTERM (${exit.signal}); log:\n${this.output()}`);
		}
		return this.exit;
	}
}

/** Runs a program to its end. Never throws for its status. */
export function run(command, args, { env, input, cwd, timeout_ms = 120000 } = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
		living.add(child);
		const parts = { stdout: [], stderr: [] };
		for (const name of ['stdout', 'stderr']) child[name].on('data', (part) => parts[name].push(part));
		const timer = setTimeout(() => child.kill('SIGKILL'), timeout_ms);
		child.on('error', reject);
		child.on('close', (status, signal) => {
			clearTimeout(timer);
			living.delete(child);
			resolve({
				status,
				signal,
				stdout: Buffer.concat(parts.stdout).toString(),
				stderr: Buffer.concat(parts.stderr).toString(),
			});
		});
		child.stdin.on('error', () => {}); // a program that does not read its input is no error of the test's
		child.stdin.end(input ?? '');
	});
}
