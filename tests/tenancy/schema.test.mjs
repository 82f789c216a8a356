// What row-level security rests on, asked of the migrated database itself: the catalog, then every tenant table with rows of two
// tenants, read and written as callpower_app with the application's filter removed. No table is named here but for exceptions that
// the migrations explain: a new one is tested because it is there.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Psql } from '../harness/cluster.mjs';
import { World } from '../harness/world.mjs';

// Unique over all tenants on purpose: reference tables on Citus (migrations/0002_tenants.sql).
const uniqueOverTenants = new Set(['tenant_slug_unique', 'tenant_voice_token_unique', 'tenant_host_unique']);

const serving = "('callpower_app', 'callpower_operator')";
const world = await World.make(import.meta.url, { key: false });
after(() => world.close());
const sql = world.sql;
const app = new Psql(world.settings.CALLPOWER_DATABASE_APP);

/** Fails with every row of a query that finds what must not be. */
async function none(query, what) {
	const rows = await sql.rows(query);
	assert.deepEqual(rows, [], `${what}:\n${rows.map((row) => JSON.stringify(row)).join('\n')}`);
}

const publicTables = `select c.oid, c.relname, c.relowner, c.relrowsecurity, c.relforcerowsecurity,
	exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as tenants
	from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`;
const tenantTables = `select * from (${publicTables}) t where tenants`;
const tables = (await sql.rows(`select relname from (${tenantTables}) t order by relname`)).map((row) => row.relname);

describe('the catalog', () => {
	test('there are tenant tables', () => assert.ok(tables.length >= 4, `only ${tables.length}`));

	test('every tenant table has row-level security, forced on its owner as well', () =>
		none(`select relname from (${tenantTables}) t where not (relrowsecurity and relforcerowsecurity)`, 'without'));

	test('tenant_id is bigint, and never null', () =>
		none(
			`select t.relname, a.atttypid::regtype from (${tenantTables}) t join pg_attribute a on a.attrelid = t.oid
			where a.attname = 'tenant_id' and (a.atttypid <> 'bigint'::regtype or not a.attnotnull)`,
			'of another kind',
		));

	test('every tenant table has a primary key', () =>
		none(`select relname from (${tenantTables}) t where not exists
			(select from pg_index i where i.indrelid = t.oid and i.indisprimary)`, 'without'));

	test('tenant_id comes first in every primary key and unique index', async () => {
		const rows = await sql.rows(`select i.indexrelid::regclass::text as index,
				(select attname from pg_attribute a where a.attrelid = t.oid and a.attnum = i.indkey[0]) as first
			from (${tenantTables}) t join pg_index i on i.indrelid = t.oid where i.indisunique`);
		assert.ok(rows.length >= tables.length);
		assert.deepEqual(rows.filter((row) => row.first !== 'tenant_id' && !uniqueOverTenants.has(row.index)), []);
	});

	test('no exclusion constraint compares rows of several tenants', () =>
		none(
			`select conname from pg_constraint k join (${tenantTables}) t on t.oid = k.conrelid
			where contype = 'x' and conkey[1] <> (select attnum from pg_attribute where attrelid = t.oid and attname = 'tenant_id')`,
			'exclusion constraints',
		));

	test('every foreign key between tenant tables pairs tenant_id with tenant_id first', () =>
		none(
			`select k.conname from pg_constraint k join (${tenantTables}) t on t.oid = k.conrelid
				join (${publicTables}) r on r.oid = k.confrelid
			where k.contype = 'f' and r.tenants and (
				k.conkey[1] <> (select attnum from pg_attribute where attrelid = t.oid and attname = 'tenant_id') or
				k.confkey[1] <> (select attnum from pg_attribute where attrelid = r.oid and attname = 'tenant_id'))`,
			'foreign keys that may lead to another tenant',
		));

	test('no table of the platform refers to a tenant table', () =>
		none(
			`select k.conname from pg_constraint k join (${publicTables}) t on t.oid = k.conrelid
				join (${publicTables}) r on r.oid = k.confrelid where k.contype = 'f' and r.tenants and not t.tenants`,
			'foreign keys',
		));

	test('every policy that callpower_app falls under compares tenant_id, in what is read and in what is written', async () => {
		const policies = await sql.rows(`select t.relname, p.polname, p.polcmd, p.polpermissive,
				pg_get_expr(p.polqual, p.polrelid) as reads, pg_get_expr(p.polwithcheck, p.polrelid) as writes
			from pg_policy p join (${tenantTables}) t on t.oid = p.polrelid
			where p.polroles && array['callpower_app'::regrole::oid, 0::oid]`);
		const bound = (expression) =>
			expression === '(tenant_id = app_tenant())' || expression.startsWith('((tenant_id = app_tenant()) AND ');
		for (const policy of policies.filter((one) => one.polpermissive)) {
			const name = `${policy.polname} on ${policy.relname}`;
			if (policy.polcmd !== 'a') assert.ok(policy.reads && bound(policy.reads), `${name} reads where ${policy.reads}`);
			if (policy.polcmd === 'a') assert.ok(policy.writes, `${name} checks nothing`);
			// Without a check of its own, what is written is held against what may be read.
			if (policy.writes) assert.ok(bound(policy.writes), `${name} writes where ${policy.writes}`);
		}
		assert.ok(policies.length > 0);
	});

	test('a table that callpower_app has rights on, and no tenant_id in, is one that it cannot write', () =>
		none(
			`select relname from (${publicTables}) t where not tenants and has_table_privilege('callpower_app', oid, 'insert, update, delete')
				or not tenants and has_any_column_privilege('callpower_app', oid, 'insert, update')`,
			'shared tables that a tenant could write to',
		));
});

describe('the roles', () => {
	test('the serving roles are bound by policies, and make nothing', () =>
		none(
			`select rolname from pg_roles where rolname in ('callpower_app', 'callpower_operator', 'callpower_owner')
			and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)`,
			'roles with too much',
		));

	test('the serving roles are members of no role of ours and of none that is bound by nothing', () =>
		none(
			`select m.roleid::regrole::text as granted, m.member::regrole::text as member from pg_auth_members m
				join pg_roles granted on granted.oid = m.roleid
			where m.member in (select oid from pg_roles where rolname in ${serving})
				and (granted.rolname like 'callpower%' or granted.rolsuper or granted.rolbypassrls)`,
			'memberships',
		));

	test('the serving roles own nothing', () =>
		none(
			`select d.classid::regclass::text as class, d.objid, d.refobjid::regrole::text as owner from pg_shdepend d
			where d.deptype = 'o' and d.dbid in (0, (select oid from pg_database where datname = current_database()))
				and d.refclassid = 'pg_authid'::regclass and d.refobjid in (select oid from pg_roles where rolname in ${serving})`,
			'objects',
		));

	test('every table is the owner’s', () =>
		none(`select relname from (${publicTables}) t where relowner <> 'callpower_owner'::regrole`, 'tables of others'));

	test('the serving roles create nothing in the schema, and public has no way in', () =>
		none(
			`select rolname from pg_roles where rolname in ${serving} and has_schema_privilege(oid, 'public', 'create')
			union all select 'public' from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = 'public' and a.grantee = 0`,
			'rights on the schema',
		));

	test('no serving role may empty a table, put a trigger on it or refer to it: policies do not bind that', () =>
		none(
			`select relname, r.rolname from (${publicTables}) t, pg_roles r
			where r.rolname in ${serving} and has_table_privilege(r.oid, t.oid, 'truncate, trigger, references')`,
			'rights',
		));

	test('no function runs with its owner’s rights for callpower_app', () =>
		none(
			`select p.oid::regprocedure::text as function from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef
				and p.prorettype <> 'trigger'::regtype and has_function_privilege('callpower_app', p.oid, 'execute')`,
			'security definer functions',
		));

	test('a view that callpower_app reads asks with the reader’s rights', () =>
		none(
			`select relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm')
				and has_any_column_privilege('callpower_app', c.oid, 'select')
				and (c.relkind = 'm' or not coalesce('security_invoker=true' = any (c.reloptions) or 'security_invoker=on' = any (c.reloptions), false))`,
			'views',
		));
});

// ---- rows

const mine = 101; // the tenant that a connection is bound to
const other = 202; // the one whose rows it must not see

let counter = 0;

/** A value for a column, as SQL; each is another one, so that no unique index is in the way. */
function value(column) {
	const n = ++counter;
	switch (column.type) {
		case 'smallint':
		case 'integer':
		case 'bigint':
		case 'numeric':
		case 'real':
		case 'double precision':
			return `${n}`;
		case 'text':
		case 'character varying':
		case 'character':
			return `'${n}'`;
		case 'bytea':
			return `'\\x${n.toString(16).padStart(8, '0')}'`;
		case 'uuid':
			return 'gen_random_uuid()';
		case 'boolean':
			return 'true';
		case 'json':
		case 'jsonb':
			return `'{}'`;
		case 'timestamp with time zone':
		case 'timestamp without time zone':
			return `now() + interval '${n} second'`;
		case 'date':
			return `current_date + ${n}`;
		case 'interval':
			return `interval '${n} second'`;
		case 'inet':
			return `'127.0.0.1'`;
		default:
			if (column.label !== null) return `'${column.label}'`;
			if (column.type.endsWith('[]')) return `'{}'`;
			throw new Error(`value() of ${import.meta.url} has to learn the type ${column.type} (${column.name})`);
	}
}

const columns = {};

/** An INSERT of a row of a tenant. Generated columns and those that may be null are left out. */
function insert(table, tenant) {
	const used = columns[table].filter((column) => column.name !== 'tenant_id');
	const names = ['tenant_id', ...used.map((column) => `"${column.name}"`)];
	const values = [tenant, ...used.map(value)];
	return `insert into "${table}" (${names.join(', ')}) overriding system value values (${values.join(', ')})`;
}

/** Runs statements as callpower_app, each on its own in a transaction bound to setting (undefined: never set), and undoes them. What
 * comes back for each is the number of its rows, or the SQLSTATE. */
async function attempt(setting, statements) {
	const bind = setting === undefined ? '' : `select set_config('app.tenant_id', '${setting}', true) is null;`;
	const calls = statements.map((statement) => `attempt($attempt$${statement}$attempt$)`);
	const output = await app.script(`begin; ${bind} select json_build_array(${calls.join(', ')}); rollback;`);
	return JSON.parse(output.trim().split('\n').at(-1));
}

before(async () => {
	// In this copy of the database, only row-level security is left to say no: no other constraint, and every right.
	const constraints = await sql.rows(`select conrelid::regclass::text as table, conname from pg_constraint
		where connamespace = 'public'::regnamespace and contype in ('c', 'f') and conrelid <> 0 order by contype desc`);
	await sql.script(constraints.map((one) => `alter table ${one.table} drop constraint "${one.conname}";`).join('\n'));
	const domains = await sql.rows(`select contypid::regtype::text as domain, conname from pg_constraint
		where connamespace = 'public'::regnamespace and contypid <> 0`);
	await sql.script(domains.map((one) => `alter domain ${one.domain} drop constraint "${one.conname}";`).join('\n'));
	await sql.script(tables.map((table) => `alter table "${table}" disable trigger user;
		alter table "${table}" alter column tenant_id drop identity if exists;
		grant select, insert, update, delete on "${table}" to callpower_app;`).join('\n'));
	await sql.script(`create function attempt(statement text) returns text language plpgsql as $$
		declare n bigint;
		begin execute statement; get diagnostics n = row_count; return n; exception when others then return sqlstate; end $$;
		grant execute on function attempt(text) to callpower_app`);
	for (const table of tables) {
		columns[table] = await sql.rows(`select attname as name,
				format_type(coalesce((select nullif(typbasetype, 0) from pg_type t where t.oid = atttypid), atttypid), null) as type,
				(select enumlabel from pg_enum e where e.enumtypid = a.atttypid order by enumsortorder limit 1) as label
			from pg_attribute a where attrelid = '"${table}"'::regclass and attnum > 0 and not attisdropped and attnotnull and attgenerated = ''`);
		await sql.script(`${insert(table, mine)}; ${insert(table, other)};`);
	}
});

const forbidden = '42501'; // insufficient_privilege: the row violates a policy

for (const table of tables) {
	describe(`the rows of ${table}`, () => {
		const readAndWrite = (tenant) => [
			`select from "${table}" where tenant_id = ${tenant}`,
			`update "${table}" set tenant_id = tenant_id where tenant_id = ${tenant}`,
			`delete from "${table}" where tenant_id = ${tenant}`,
		];

		test('are there', async () => {
			const rows = await sql.rows(`select tenant_id, count(*) from "${table}" where tenant_id in (${mine}, ${other}) group by 1 order by 1`);
			assert.deepEqual(rows, [{ tenant_id: mine, count: 1 }, { tenant_id: other, count: 1 }]);
		});

		for (const [what, setting] of [['no tenant was ever bound', undefined], ['the binding is over', ''], ['the tenant is unknown', '999']]) {
			test(`are neither shown nor taken where ${what}`, async () => {
				const answers = await attempt(setting, [
					`select from "${table}"`,
					`update "${table}" set tenant_id = tenant_id`,
					`delete from "${table}"`,
					insert(table, mine),
				]);
				assert.deepEqual(answers, ['0', '0', '0', forbidden]);
			});
		}

		test('are an error where the binding is no number', async () => {
			const [answer] = await attempt('1 or true', [`select from "${table}"`]);
			assert.equal(answer, '22P02');
		});

		test('of another tenant are neither shown nor changed nor taken', async () => {
			const answers = await attempt(mine, [...readAndWrite(other), insert(table, other)]);
			assert.deepEqual(answers, ['0', '0', '0', forbidden]);
		});

		test('of one’s own are not handed to another tenant', async () => {
			const policy = await sql.value(`select count(*) from pg_policy where polrelid = '"${table}"'::regclass
				and polroles && array['callpower_app'::regrole::oid, 0::oid]`);
			const [seen, moved] = await attempt(mine, [`select from "${table}"`, `update "${table}" set tenant_id = ${other}`]);
			assert.equal(seen, policy > 0 ? '1' : '0'); // and of one's own alone: this test can see rows at all
			assert.ok(moved === forbidden || moved === '0', `the update ended with ${moved}`);
		});
	});
}
