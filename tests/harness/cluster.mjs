// The private PostgreSQL cluster of a run (tests/run starts it and CP_TEST_DATABASE names it), and a database for each test file,
// copied from one that was migrated once.
import { join } from 'node:path';
import { patience, program } from './places.mjs';
import { run } from './processes.mjs';

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

/** The database that every test's own is copied from. */
export async function prepareTemplate() {
	const superuser = new Psql(withDatabase(process.env.CP_TEST_DATABASE, 'postgres'));
	await superuser.script(`drop database if exists ${template}`);
	await superuser.script(databaseSql(template, 'template0'));
	const env = { ...process.env, ...databaseEnvironment(template) };
	const done = await run(program, ['migrate'], { env, timeout_ms: 120000 * patience });
	if (done.status !== 0) throw new Error(`callpower migrate: status ${done.status ?? done.signal}\n${done.stdout}${done.stderr}`);
}

/** A database of its own for a test, copied from the template; its name and connection strings. */
export async function copyDatabase(name) {
	const superuser = new Psql(withDatabase(process.env.CP_TEST_DATABASE, 'postgres'));
	await superuser.script(`drop database if exists ${name} with (force);\n${databaseSql(name, template)}`);
	return { name, environment: databaseEnvironment(name) };
}

