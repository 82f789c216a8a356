// `callpower data`: versions of a country's data come, are active, go back, and servers follow.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkout } from '../harness/places.mjs';
import { until, World } from '../harness/world.mjs';

const world = await World.make(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'cp-data-'));
after(() => world.close());
after(() => rmSync(folder, { recursive: true, force: true }));
const cache = join(folder, 'cache');
world.settings.CALLPOWER_CACHE_DIR = cache; // not the one that other tests share

const sample = join(checkout, 'providers', 'sample', 'data');
/** The sample country with a change: who answers at N101 under another name. */
function changed(name) {
	const copy = join(folder, name);
	cpSync(sample, copy, { recursive: true });
	const file = join(copy, 'members.yaml');
	writeFileSync(file, readFileSync(file, 'utf8').replace('Dmitri Dale', name));
	return copy;
}
const data = (...args) => world.callpower(['data', ...args]);
const refused = (pattern, ...args) => assert.rejects(data(...args), pattern);
const deputy = async () => (await world.plan('N101')).targets.find((target) => target.title === 'Deputy').name;
const active = () => world.sql.row("select dataset_version_id as id from dataset_activation where country = 'xs' order by dataset_activation_id desc limit 1");

before(async () => {
	const { stdout } = await data('update', 'xs', '--from', sample);
	assert.match(stdout, /7 people, 8 seats \(1 vacant\), 1 offices, 7 postal codes; 1 members cannot be reached/);
	assert.match(stdout, /warning: Edda Elm has no telephone number/);
});

test('an update from a folder is stored, active, and in the cache', async () => {
	assert.equal(await deputy(), 'Dmitri Dale');
	assert.match(readlinkSync(join(cache, 'xs.active')), /^xs-[0-9a-f]{64}\.dataset$/);
	const { id } = await active();
	const row = await world.sql.row(`select size, counts->>'people' as people, jsonb_array_length(warnings) as warnings, sources->0->>'file' as file from dataset_version where dataset_version_id = ${id}`);
	assert.equal(Number(row.people), 7);
	assert.equal(Number(row.warnings), 2);
	assert.equal(row.file, 'seats.csv');
	assert.deepEqual(readdirSync(cache).filter((name) => /update/.test(name)), []);
});

test('the same sources are not stored twice', async () => {
	const { stdout } = await data('update', 'xs', '--from', sample);
	assert.match(stdout, /the sources have not changed; version \d+ of xs stays active/);
	const { count } = await world.sql.row("select count(*) from dataset_version where country = 'xs'");
	assert.equal(Number(count), 1);
});

test('a change is a new version; rollback and activate go between them', async () => {
	const { id: first } = await active();
	await data('update', 'xs', '--from', changed('Nadia Newcome'));
	const { id: second } = await active();
	assert.notEqual(first, second);
	assert.equal(await deputy(), 'Nadia Newcome');
	assert.match((await data('rollback', 'xs')).stdout, new RegExp(`version ${first} of xs is active`));
	assert.equal(await deputy(), 'Dmitri Dale');
	await data('activate', 'xs', String(second));
	assert.equal(await deputy(), 'Nadia Newcome');
	const { stdout } = await data('status', 'xs');
	assert.match(stdout, new RegExp(`^xs +${second} +yes `, 'm'));
	assert.match(stdout, new RegExp(`^xs +${first} +20`, 'm'));
	await data('rollback', 'xs');
});

test('a running server follows a switch, and one that starts has it', async () => {
	const tenant = await world.tenant({ slug: 'follower' });
	await world.campaign(tenant);
	await world.startCarrier({});
	await world.startServer();
	const named = async () => {
		const { plan } = await world.createCall(tenant, { place: 'N101' });
		return JSON.stringify(plan);
	};
	assert.match(await named(), /Dmitri Dale/);
	await data('update', 'xs', '--from', changed('Petra Present'));
	await until('the server to follow', async () => /Petra Present/.test(await named()), { timeout_ms: 5000 });
	await data('rollback', 'xs');
	await until('the server to go back', async () => /Dmitri Dale/.test(await named()), { timeout_ms: 5000 });
});

test('what cannot be used changes nothing', async () => {
	const { id } = await active();
	const broken = changed('Broken');
	writeFileSync(join(broken, 'members.yaml'), '- id: [cut');
	await refused(/members\.yaml:\d+: not well-formed YAML/, 'update', 'xs', '--from', broken);
	writeFileSync(join(broken, 'members.yaml'), '[]\n');
	await refused(/the sources give 0 members and 7 postal codes; nothing was changed/, 'update', 'xs', '--from', broken);
	const few = readFileSync(join(sample, 'members.yaml'), 'utf8').split('- id: clara')[0];
	writeFileSync(join(broken, 'members.yaml'), few);
	await refused(/6 of 8 seats would be vacant; nothing was changed/, 'update', 'xs', '--from', broken);
	await refused(/the document "seats" .* is neither in/, 'update', 'xs', '--from', join(folder, 'nowhere'));
	await refused(/no plugin for the country "zz", only for: us, xs/, 'update', 'zz', '--from', sample);
	await refused(/there is no version 999 of "xs"/, 'activate', 'xs', '999');
	await refused(/"one" is no number of a version/, 'activate', 'xs', 'one');
	await refused(/no other version of "zz" was active before/, 'rollback', 'zz');
	assert.deepEqual(await active(), { id });
	assert.deepEqual(readdirSync(cache).filter((name) => /update|new/.test(name)), []);
});

test('wrong usage is told', async () => {
	for (const args of [[], ['update'], ['status', 'xs', 'too'], ['activate', 'xs'], ['frobnicate'], ['status', '--from', '/tmp'], ['update', 'xs', '--form', '/tmp']])
		await assert.rejects(data(...args), /status 2[^]*usage:/, args.join(' '));
});

test('a source that cannot be downloaded is named', async () => {
	await assert.rejects(world.callpower(['data', 'update', 'xs'], { env: { CALLPOWER_DATA: undefined } }), /the document "seats" could not be downloaded \(--from reads a folder instead\): .*samplia\.example/);
});
