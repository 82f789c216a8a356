// The private PostgreSQL cluster of a run (tests/run starts it and CP_TEST_DATABASE names it), and a database for each test file,
// copied from one that was migrated once.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheFolder, checkout, dataFolder, patience, postgresScript, program } from './places.mjs';
import { run, startTime } from './processes.mjs';

const roles = { owner: 'CALLPOWER_DATABASE_OWNER', app: 'CALLPOWER_DATABASE_APP', operator: 'CALLPOWER_DATABASE_OPERATOR' };
const template = 'callpower_template';

/** The same connection string with another database. */
function withDatabase(conninfo, database) {
	return conninfo.replace(/\bdbname=\S+/, `dbname=${database}`);
}

export class Psql {
	constructor(conninfo) {
		this.conninfo = conninfo;
	}

	/** Runs SQL as a script; its text output (unaligned, no header). Throws with PostgreSQL's own words. */
	async script(sql) {
		const psql = process.env.CP_PG_BIN ? join(process.env.CP_PG_BIN, 'psql') : 'psql';
		const args = ['--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--set=ON_ERROR_STOP=1', `--dbname=${this.conninfo}`];
		const done = await run(psql, args, { input: sql, timeout_ms: 60000 * patience });
		if (done.status !== 0) throw new Error(`psql: ${done.stderr.trim()}\nin: ${sql}`);
		return done.stdout;
	}

	/** A query's rows as objects (numbers and JSON values as such). An UPDATE … RETURNING must stand in a WITH. */
	async rows(query) {
		return JSON.parse(await this.script(`select coalesce(json_agg(row_to_json(q)), '[]') from (${query}) q`));
	}

	async row(query) {
		const rows = await this.rows(query);
		if (rows.length !== 1) throw new Error(`${rows.length} rows where one was expected: ${query}`);
		return rows[0];
	}

	async value(query) {
		return Object.values(await this.row(query))[0];
	}
}

function databaseSql(name, from) {
	return `create database ${name} owner callpower_owner template ${from}${
		from === 'template0' ? " encoding 'UTF8' lc_collate 'C.UTF-8' lc_ctype 'C.UTF-8'" : ''
	};
revoke all on database ${name} from public;
grant connect on database ${name} to callpower_app, callpower_operator;`;
}

/** Connection strings of every role for a database of this run's cluster. */
export function databaseEnvironment(name) {
	const environment = {};
	for (const variable of ['CP_TEST_DATABASE', ...Object.values(roles)]) {
		environment[variable] = withDatabase(process.env[variable], name);
	}
	return environment;
}

/** A cluster of its own, for a test that stops it. It comes back under the same connection strings. */
export class OwnCluster {
	static async make(folder) {
		const cluster = new OwnCluster();
		cluster.folder = folder;
		await run('bash', [postgresScript, 'remove', folder]);
		cluster.environment = Object.fromEntries(
			(await cluster.start()).trim().split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
		);
		return cluster;
	}

	async start() {
		const done = await run('bash', [postgresScript, 'start', this.folder], { env: { ...process.env, CP_PG_OPTIONS: '-c fsync=off' } });
		if (done.status !== 0) throw new Error(`the private PostgreSQL did not start: ${done.stderr}`);
		return done.stdout;
	}

	/** how: 'stop', as an operator would (clients are disconnected), or 'kill', as a crash would. */
	async stop(how) {
		if (how === 'kill') {
			const done = await run('bash', [postgresScript, 'kill', this.folder]);
			if (done.status !== 0) throw new Error(done.stderr);
			return;
		}
		// The script's own `stop` gives up the socket's folder, and the server would look for it in vain afterwards.
		const data = existsSync(join(this.folder, 'data.path')) ? readFileSync(join(this.folder, 'data.path'), 'utf8').trim() : join(this.folder, 'data');
		const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
		process.kill(pid, 'SIGINT');
		for (let tries = 0; startTime(pid) !== null; tries++) {
			if (tries > 1000) throw new Error('PostgreSQL did not stop');
			await sleep(20);
		}
	}

	async remove() {
		await run('bash', [postgresScript, 'remove', this.folder]);
	}
}

/** The database that every test's own is copied from. */
export async function prepareTemplate() {
	const superuser = new Psql(withDatabase(process.env.CP_TEST_DATABASE, 'postgres'));
	await superuser.script(`drop database if exists ${template}`);
	await superuser.script(databaseSql(template, 'template0'));
	const env = { ...process.env, ...databaseEnvironment(template), CALLPOWER_CACHE_DIR: cacheFolder };
	const callpower = async (args) => {
		const done = await run(program, args, { env, timeout_ms: 120000 * patience });
		if (done.status !== 0) throw new Error(`callpower ${args.join(' ')}: status ${done.status ?? done.signal}\n${done.stdout}${done.stderr}`);
	};
	await callpower(['migrate']);
	await loadData(callpower);
}

/** The made-up country, and the United States where their data lie here. callpower runs a command of the program. */
export async function loadData(callpower) {
	await callpower(['data', 'update', 'xs', '--from', join(checkout, 'providers', 'sample', 'data')]);
	if (dataFolder) await callpower(['data', 'update', 'us', '--from', dataFolder]);
}

/** A database of its own for a test, copied from the template; its name and connection strings. */
export async function copyDatabase(name) {
	const superuser = new Psql(withDatabase(process.env.CP_TEST_DATABASE, 'postgres'));
	await superuser.script(`drop database if exists ${name} with (force);\n${databaseSql(name, template)}`);
	return { name, environment: databaseEnvironment(name) };
}

