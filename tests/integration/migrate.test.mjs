// The schema is the program's own business: a database is brought up to date by one command, and again by the same without effect.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Psql } from '../harness/cluster.mjs';
import { World } from '../harness/world.mjs';

const world = await World.make(import.meta.url, { key: false });
after(() => world.close());

test('a migrated database needs nothing more', async () => {
	const { stdout } = await world.callpower(['migrate']);
	assert.match(stdout, /^0 of \d+ migrations applied; the database is up to date$/m);
	assert.match((await world.callpower(['migrate', '--check'])).stdout, /up to date/);
});

test('the serving roles own nothing and cannot go around row-level security', async () => {
	const owned = await world.sql.rows(`
		select c.relname, pg_get_userbyid(c.relowner) as owner from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm', 'S') and pg_get_userbyid(c.relowner) <> 'callpower_owner'`);
	assert.deepEqual(owned, []);
	const roles = await world.sql.rows(`
		select rolname from pg_roles where rolname in ('callpower_app', 'callpower_operator', 'callpower_owner')
			and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)`);
	assert.deepEqual(roles, []);
});

test('a serving role cannot make or change a table', async () => {
	for (const role of ['CALLPOWER_DATABASE_APP', 'CALLPOWER_DATABASE_OPERATOR']) {
		await assert.rejects(new Psql(world.settings[role]).script('create table public.mine (id int)'), /permission denied/);
	}
});
