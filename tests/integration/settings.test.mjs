// Settings are checked before anything starts: whoever gets one wrong is told which, and why.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { World } from '../harness/world.mjs';

const world = await World.make(import.meta.url, { key: false });
after(() => world.close());

const wrong = {
	'an unknown name': { CALLPOWER_NONSENSE: '1' },
	'a number that is none': { CALLPOWER_THREADS: 'many' },
	'a number out of its range': { CALLPOWER_THREADS: '1000' },
	'a word that is not among the choices': { CALLPOWER_LOG_FORMAT: 'xml' },
	'an address that is none': { CALLPOWER_PUBLIC_URL: 'call.example.org' },
	'yes or no that is neither': { CALLPOWER_DATABASE_POOLER: 'perhaps' },
};
for (const [what, env] of Object.entries(wrong)) {
	test(`${what} is refused by name`, async () => {
		const { stderr } = await world.callpower(['migrate', '--check'], { env, status: 1 });
		assert.ok(stderr.includes(Object.keys(env)[0]), stderr);
	});
}

test('every wrong setting is named at once', async () => {
	const { stderr } = await world.callpower(['migrate', '--check'], { env: { CALLPOWER_NONSENSE: '1', CALLPOWER_THREADS: 'many' }, status: 1 });
	assert.match(stderr, /CALLPOWER_NONSENSE/);
	assert.match(stderr, /CALLPOWER_THREADS/);
});

test('a file of settings is read, the environment wins over it, and a mistake in it has a line', async () => {
	const file = join(world.logs, 'a file of settings');
	const { CALLPOWER_DATABASE_OWNER, ...others } = world.settings;
	const env = (more) => ({ ...Object.fromEntries(Object.keys(others).map((name) => [name, others[name]])), CALLPOWER_DATABASE_OWNER: undefined, CALLPOWER_SETTINGS: file, ...more });
	writeFileSync(file, `# the database\nCALLPOWER_DATABASE_OWNER=${CALLPOWER_DATABASE_OWNER}\n\nCALLPOWER_THREADS=3\n`);
	await world.callpower(['migrate', '--check'], { env: env() });
	await world.callpower(['migrate', '--check'], { env: env({ CALLPOWER_DATABASE_OWNER: 'host=/nowhere' }), status: 1 });
	writeFileSync(file, `CALLPOWER_DATABASE_OWNER=${CALLPOWER_DATABASE_OWNER}\nCALLPOWER_NONSENSE=1\n`);
	const { stderr } = await world.callpower(['migrate', '--check'], { env: env(), status: 1 });
	assert.match(stderr, /CALLPOWER_NONSENSE/);
	assert.match(stderr, /\b2\b/, 'the line of the file');
});

test('the server does not start without what it needs, and says what that is', async () => {
	for (const name of ['CALLPOWER_DATABASE_APP', 'CALLPOWER_DATABASE_OPERATOR', 'CALLPOWER_MASTER_KEY_FILE']) {
		const { stderr } = await world.callpower(['serve'], { env: { [name]: undefined }, status: 1 });
		assert.ok(/MASTER_KEY|DATABASE/.test(stderr), stderr);
	}
});

test('a command that there is not, and help', async () => {
	assert.match((await world.callpower(['dance'], { status: 2 })).stderr, /dance/);
	for (const word of ['serve', 'migrate', 'tenant', 'campaign', 'lookup', 'data', 'key']) {
		assert.ok((await world.callpower(['help'])).stdout.includes(`callpower ${word}`), word);
	}
});
