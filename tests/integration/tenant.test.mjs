// The operator's commands about organizations and keys: what they do, what they refuse, and that no secret comes out of them.
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { program } from '../harness/places.mjs';
import { Program } from '../harness/processes.mjs';
import { until, World } from '../harness/world.mjs';

const world = await World.make(import.meta.url);
after(() => world.close());

const account = 'AC00112233445566778899aabbccddeeff';
const secret = 'c0ffee00112233445566778899aabbcc';
const create = (slug, more = []) => ['tenant', 'create', slug, '--name', 'An Organization', '--account-sid', account, '--auth-token-file', '-', ...more];

/** Runs the program, expects it to fail with that status, and gives what it says. */
async function refused(args, { status = 1, ...options } = {}) {
	const { stdout, stderr } = await world.callpower(args, { status, ...options });
	assert.ok(!(stdout + stderr).includes(secret));
	return stderr;
}

test('an organization is made, shown and listed without its secrets', async () => {
	const made = await world.callpower(create('one', ['--number', '+15555550100', '--host', 'Calls.One.example']), { input: `${secret}\n` });
	assert.equal(made.stdout, 'organization one created (id 1)\n');
	const shown = await world.callpower(['tenant', 'show', 'one']);
	assert.match(shown.stdout, /^auth token: sealed$/m);
	assert.match(shown.stdout, /^numbers: \+15555550100$/m);
	assert.match(shown.stdout, /^hosts: calls\.one\.example$/m);
	assert.match((await world.callpower(['tenant', 'list'])).stdout, /^one +active +1 +1 +An Organization$/m);
	const { voice_token: token } = await world.sql.row("select voice_token from tenant where slug = 'one'");
	for (const { stdout, stderr } of [made, shown]) {
		assert.ok(!(stdout + stderr).includes(secret));
		assert.ok(!(stdout + stderr).includes(token)); // whoever knows it can send webhooks
	}
	const dump = JSON.stringify([...(await world.sql.rows('select * from tenant_secret')), ...(await world.sql.rows('select * from tenant_key'))]);
	assert.ok(!dump.includes(Buffer.from(secret).toString('hex')));
});

test('two made of the same secret share no sealed byte that could be compared', async () => {
	await world.callpower(create('same-a'), { input: secret });
	await world.callpower(create('same-b'), { input: secret });
	const rows = await world.sql.rows(`
		select encode(sealed, 'hex') as sealed from tenant_secret join tenant using (tenant_id)
		where slug in ('same-a', 'same-b') and tenant_secret.name = 'carrier_auth_token'`);
	assert.equal(rows.length, 2);
	assert.notEqual(rows[0].sealed.slice(10), rows[1].sealed.slice(10));
});

test('what is wrong is said in a sentence, with its status, and leaves no row', async () => {
	const before = await world.sql.value('select count(*) from tenant');
	assert.match(await refused(create('one'), { input: secret }), /the slug "one" is taken/);
	assert.match(await refused(create('two', ['--number', '5550100']), { input: secret }), /"5550100" is not a number in international form/);
	assert.match(await refused(create('two', ['--host', 'calls.one.example']), { input: secret }), /belongs to an organization already/);
	assert.match(await refused(create('two', ['--carrier-host', 'api.evil.example']), { input: secret }), /no known carrier host/);
	assert.match(await refused(create('two', ['--account-sid', 'AC12']), { input: secret }), /"AC12" is not an account SID/);
	assert.match(await refused(create('two'), { input: account }), /the auth token is a SID/);
	assert.match(await refused(create('two'), { input: '' }), /auth token has 0 characters/);
	assert.match(await refused(['tenant', 'show', 'nobody']), /there is no organization "nobody"/);
	assert.match(await refused(['tenant', 'create', 'two', '--auth-token', secret], { status: 2 }), /there is no option --auth-token/);
	assert.match(await refused(['tenant', 'fly'], { status: 2 }), /what to do is expected/);
	assert.match(await refused(['tenant', 'show'], { status: 2 }), /takes 1 argument/);
	assert.equal(await world.sql.value('select count(*) from tenant'), before);
});

test('a master key that others can read, or that is missing, is refused', async () => {
	const file = join(world.logs, 'open.key');
	await world.callpower(['key', 'new', file]);
	assert.match(await refused(['key', 'new', file]), /never overwritten/);
	chmodSync(file, 0o644);
	assert.match(await refused(create('two'), { input: secret, env: { CALLPOWER_MASTER_KEY_FILE: file } }), /can be read or changed by others.*chmod 600/);
	assert.match(await refused(create('two'), { input: secret, env: { CALLPOWER_MASTER_KEY_FILE: `${file}.gone` } }), /cannot open the master key file/);
	chmodSync(file, 0o600);
	assert.match(await refused(create('two'), { input: secret, env: { CALLPOWER_MASTER_KEY_COMMAND: `cat ${file}` } }), /both set/);
});

test('keys rotate without touching what they seal', async () => {
	const file = join(world.logs, 'rotating.key');
	const env = { CALLPOWER_MASTER_KEY_FILE: file };
	writeFileSync(file, readFileSync(world.settings.CALLPOWER_MASTER_KEY_FILE), { mode: 0o600 });
	const sealed = await world.sql.rows('select tenant_id, name, encode(sealed, \'hex\') as sealed from tenant_secret order by 1, 2');
	const { stdout } = await world.callpower(['key', 'add', file], { env });
	const id = /master key ([0-9a-f]{8})/.exec(stdout)[1];
	assert.match((await world.callpower(['tenant', 'rotate-keys'], { env })).stdout, /^3 data keys rewrapped/);
	assert.match((await world.callpower(['tenant', 'rotate-keys'], { env })).stdout, /^0 data keys rewrapped/);
	assert.match((await world.callpower(['tenant', 'show', 'one'])).stdout, new RegExp(`^data key: wrapped by master key ${id}$`, 'm'));
	assert.deepEqual(await world.sql.rows('select tenant_id, name, encode(sealed, \'hex\') as sealed from tenant_secret order by 1, 2'), sealed);
	// The old key alone opens nothing any more, and says which one is missing.
	assert.match(await refused(['tenant', 'credentials', 'one', '--auth-token-file', '-'], { input: secret }), new RegExp(`master key ${id}.*not among`));
	await world.callpower(['tenant', 'credentials', 'one', '--auth-token-file', '-'], { input: secret, env });
});

test('a destroyed organization leaves a receipt and nothing else', async () => {
	assert.match(await refused(['tenant', 'destroy', 'same-a']), /cannot be undone.*--yes same-a/);
	assert.match(await refused(['tenant', 'destroy', 'same-a', '--yes', 'same-b']), /cannot be undone/);
	const { stdout } = await world.callpower(['tenant', 'destroy', 'same-a', '--yes', 'same-a']);
	assert.match(stdout, /cannot be read any more.*complete when the backups/);
	assert.equal(await world.sql.value("select count(*) from tenant where slug = 'same-a'"), 0);
	assert.equal(await world.sql.value('select count(*) from tenant_key'), 2);
	assert.equal(await world.sql.value("select rows_erased_at is not null from tenant_erasure where slug = 'same-a'"), true);
});

test('a running program leaves no core file', async () => {
	// It waits for the key's command, with the operator's settings in its memory.
	const waiting = new Program(program, create('waits'), {
		env: world.environment({ CALLPOWER_MASTER_KEY_FILE: undefined, CALLPOWER_MASTER_KEY_COMMAND: 'sleep 5' }),
		log: join(world.logs, 'waiting.log'),
	});
	try {
		const limits = await until('the program to forbid core files', () => {
			const text = readFileSync(`/proc/${waiting.pid}/limits`, 'utf8');
			return /^Max core file size +0 +0 /m.test(text) && text;
		});
		assert.match(limits, /^Max core file size +0 +0 /m);
	} finally {
		await waiting.stop();
	}
});
