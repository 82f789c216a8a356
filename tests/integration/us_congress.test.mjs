// The judge of `callpower lookup us`: it reads the public files by itself, with another YAML parser and in another language, and
// says for every ZIP code whom the command must name. It shares nothing with the plugin but the documents.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { dataFolder, patience, program } from '../harness/places.mjs';

const run = promisify(execFile);

const find = (...names) => names.map((name) => join(dataFolder ?? '', 'us', name)).find(existsSync);
const membersFile = dataFolder && find('legislators-current.yaml');
const placesFile = dataFolder && find('zccd_119th.csv', 'zccd.csv');
const skip = !membersFile || !placesFile ? 'the US files are not here: set CALLPOWER_DATA to a folder with us/legislators-current.yaml and us/zccd.csv' : false;

const folder = mkdtempSync(join(tmpdir(), 'cp-congress-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The command's answers to ZIP codes, in order. */
async function lookup(zips, ...options) {
	const file = join(folder, 'zips.txt');
	writeFileSync(file, zips.map((zip) => `${zip}\n`).join(''));
	const { stdout } = await run(program, ['lookup', 'us', '--postal-file', file, '--type', 'congress', ...options], {
		env: { ...process.env, CALLPOWER_DATA: dataFolder, CALLPOWER_CACHE_DIR: join(folder, 'cache') },
		maxBuffer: 1 << 28,
		timeout: 120_000 * patience,
	});
	return stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
}

// ---- the independent reading

const territories = new Set(['AS', 'GU', 'MP', 'PR', 'VI']);
const stateId = (state) =>
	`ocd-division/country:us/${state === 'DC' ? 'district' : territories.has(state) ? 'territory' : 'state'}:${state.toLowerCase()}`;
const divisionId = (state, district) => (district === 0 ? stateId(state) : `${stateId(state)}/cd:${district}`);
const phone = (written) => (written === undefined ? null : `+1${written.replaceAll('-', '')}`);

function readMembers() {
	const senators = new Map(), house = new Map(), byId = new Map();
	for (const person of parse(readFileSync(membersFile, 'utf8'))) {
		const term = person.terms.at(-1);
		const member = {
			key: `us:bioguide:${person.id.bioguide}`,
			name: person.name.official_full ?? `${person.name.first} ${person.name.last}`,
			title: term.type === 'sen' ? 'Senator' : term.state === 'PR' ? 'Resident Commissioner'
				: term.state === 'DC' || territories.has(term.state) ? 'Delegate' : 'Representative',
			district: term.type === 'sen' ? term.state : `${term.state}-${term.district === 0 ? 'AL' : term.district}`,
			phone: phone(term.phone),
			term,
		};
		byId.set(person.id.bioguide, member);
		if (term.type === 'sen') senators.set(term.state, [...(senators.get(term.state) ?? []), member]);
		else house.set(`${term.state}/${term.district}`, member);
	}
	for (const both of senators.values()) both.sort((a) => (a.term.state_rank === 'senior' ? -1 : 1));
	return { senators, house, byId };
}

function readPlaces() {
	const zips = new Map();
	const [header, ...rows] = readFileSync(placesFile, 'utf8').trim().split(/\r?\n/).map((line) => line.split(','));
	const [state, zip, district] = ['state_abbr', 'zcta', 'cd'].map((name) => header.indexOf(name));
	for (const row of rows) {
		const parts = zips.get(row[zip]) ?? [];
		parts.push({ state: row[state], district: Number(row[district]) });
		zips.set(row[zip], parts);
	}
	for (const parts of zips.values()) parts.sort((a, b) => (stateId(a.state) < stateId(b.state) ? -1 : stateId(a.state) > stateId(b.state) ? 1 : a.district - b.district));
	return zips;
}

const shown = ({ key, name, title, district, phone: number }) => ({ key, name, title, district, phone: number });

function expected(zip, parts, { senators, house }) {
	const states = [...new Set(parts.map((part) => part.state))];
	const divisions = states.flatMap((state) => {
		const numbered = parts.filter((part) => part.state === state && part.district !== 0);
		return [stateId(state), ...numbered.map((part) => divisionId(state, part.district))];
	});
	const upper = states.flatMap((state) => senators.get(state) ?? []);
	const lower = parts.map((part) => house.get(`${part.state}/${part.district}`)).filter(Boolean);
	return { input: zip, divisions, split: parts.length > 1, upper: upper.map(shown), lower: lower.map(shown), vacant: parts.length - lower.length };
}

describe('Congress by ZIP code', { skip }, () => {
	let members, places, zips, answers, wanted;
	before(async () => {
		members = readMembers();
		places = readPlaces();
		zips = [...places.keys()].sort();
		answers = new Map((await lookup(zips, '--subtype', 'both', '--order', 'upper-first')).map((answer) => [answer.input, answer]));
		wanted = new Map(zips.map((zip) => [zip, expected(zip, places.get(zip), members)]));
	});

	const of = (zip) => answers.get(zip);
	const keys = (zip) => of(zip).targets.map((target) => target.key);
	const zipOf = (state, district, alone = false) =>
		zips.find((zip) => places.get(zip).some((part) => part.state === state && part.district === district) && (!alone || places.get(zip).length === 1));

	test('the files are as large as they are said to be', () => {
		assert.equal(answers.size, zips.length);
		if (placesFile.endsWith('zccd_119th.csv')) assert.equal(zips.length, 33_774);
		assert.ok(members.byId.size > 500);
	});

	test('every ZIP gives exactly the members that the files name, senators first', () => {
		const wrong = [];
		for (const zip of zips) {
			const { upper, lower, vacant, ...rest } = wanted.get(zip);
			const { warnings = [], ...answer } = of(zip);
			try {
				assert.deepEqual(answer, { ...rest, targets: [...upper, ...lower] });
				assert.equal(warnings.filter((text) => /vacant/.test(text)).length, vacant);
			} catch (error) {
				wrong.push(`${zip}: ${error.message}`);
			}
		}
		assert.equal(wrong.length, 0, wrong.slice(0, 5).join('\n'));
	});

	test('one chamber alone, and the House first', async () => {
		const some = zips.filter((_, index) => index % 50 === 0);
		const results = {};
		for (const [name, ...options] of [['upper', '--subtype', 'upper'], ['lower', '--subtype', 'lower'], ['first', '--subtype', 'both', '--order', 'lower-first']])
			results[name] = await lookup(some, ...options);
		some.forEach((zip, index) => {
			const { upper, lower } = wanted.get(zip);
			assert.deepEqual(results.upper[index].targets, upper, zip);
			assert.deepEqual(results.lower[index].targets, lower, zip);
			assert.deepEqual(results.first[index].targets, [...lower, ...upper], zip);
			assert.equal(results.upper[index].split, new Set(places.get(zip).map((part) => part.state)).size > 1 && upper.length > 2, zip);
		});
	});

	test('party orders compare with the caucus of an Independent', async () => {
		const some = [...zips.filter((_, index) => index % 97 === 0), zipOf('VT', 0), zipOf('ME', 1), zipOf('CA', 3)];
		const sits = (target) => members.byId.get(target.key.split(':')[2]).term;
		const democrats = await lookup(some, '--order', 'democrats-only');
		const republicans = await lookup(some, '--order', 'republicans-first');
		some.forEach((zip, index) => {
			const { upper, lower } = wanted.get(zip);
			const all = [...lower, ...upper];
			const side = (target) => sits(target).caucus ?? sits(target).party;
			assert.deepEqual(democrats[index].targets, all.filter((target) => side(target) === 'Democrat'), zip);
			assert.deepEqual(republicans[index].targets, [...all.filter((t) => side(t) === 'Republican'), ...all.filter((t) => side(t) !== 'Republican')], zip);
		});
	});

	test('the District of Columbia has one delegate and no senator', () => {
		const zip = zipOf('DC', 0, true);
		assert.deepEqual(keys(zip), [members.house.get('DC/0').key]);
		assert.equal(of(zip).targets[0].title, 'Delegate');
		assert.deepEqual(of(zip).divisions, ['ocd-division/country:us/district:dc']);
	});

	test('Puerto Rico has its Resident Commissioner; territories without ZIP codes in the table are unknown', async () => {
		const zip = zipOf('PR', 0, true);
		assert.deepEqual(of(zip).targets.map((target) => target.title), ['Resident Commissioner']);
		assert.deepEqual(of(zip).divisions, ['ocd-division/country:us/territory:pr']);
		const listed = new Set([...places.values()].flat().map((part) => part.state));
		const probes = { GU: '96910', VI: '00802', AS: '96799', MP: '96950' };
		for (const [state, probe] of Object.entries(probes)) {
			if (listed.has(state)) continue;
			const [answer] = await lookup([probe]);
			assert.match(answer.error, /not known/);
			assert.deepEqual([answer.divisions, answer.targets], [[], []]);
		}
	});

	test('a vacant seat gives fewer targets and a warning, not an error', () => {
		const vacant = [...new Set([...places.values()].flat().map((part) => `${part.state}/${part.district}`))].filter((seat) => !members.house.has(seat));
		if (placesFile.endsWith('zccd_119th.csv')) assert.deepEqual(vacant.sort(), ['CA/14', 'FL/20', 'GA/13', 'TX/23']);
		for (const seat of vacant) {
			const [state, district] = seat.split('/');
			const zip = zipOf(state, Number(district), true);
			assert.deepEqual(keys(zip), members.senators.get(state).map((member) => member.key));
			assert.equal(of(zip).error, undefined);
			assert.match(of(zip).warnings.join(), new RegExp(`${state}-${district} is vacant`));
			assert.ok(of(zip).divisions.includes(divisionId(state, Number(district))));
		}
	});

	test('a ZIP over several states gives the senators of each', () => {
		const several = zips.filter((zip) => new Set(places.get(zip).map((part) => part.state)).size > 1);
		assert.ok(several.length > 100);
		for (const zip of several) {
			const states = new Set(places.get(zip).map((part) => part.state));
			const senators = of(zip).targets.filter((target) => target.title === 'Senator');
			assert.equal(senators.length, 2 * [...states].filter((state) => members.senators.has(state)).length, zip);
			assert.ok(of(zip).split, zip);
		}
	});

	test('Independents are there', () => {
		const independents = [...members.byId.values()].filter((member) => member.term.party === 'Independent');
		assert.ok(independents.length > 0);
		for (const { term, key } of independents) {
			const zip = zips.find((one) => places.get(one).some((part) => part.state === term.state && (term.type === 'sen' || part.district === term.district)));
			assert.ok(keys(zip).includes(key), key);
		}
	});

	test('members whose listed term has ended but who stand in the file are kept', () => {
		const today = new Date().toISOString().slice(0, 10);
		const ended = [...members.byId.values()].filter((member) => member.term.end < today);
		for (const id of ['H001104', 'M001244']) // Husted, Moody
			if (members.byId.has(id)) assert.ok(keys(zipOf(members.byId.get(id).term.state, 1)).includes(`us:bioguide:${id}`), id);
		for (const { term, key } of ended)
			assert.ok(keys(zips.find((zip) => places.get(zip).some((part) => part.state === term.state && (term.type === 'sen' || part.district === term.district)))).includes(key), key);
	});

	test('a member without telephone is kept, with phone null and a warning', () => {
		const silent = [...members.byId.values()].filter((member) => member.phone === null);
		if (members.byId.has('G000607')) assert.ok(silent.some((member) => member.key === 'us:bioguide:G000607'));
		for (const member of silent) {
			const zip = zipOf(member.term.state, member.term.district);
			assert.equal(of(zip).targets.find((target) => target.key === member.key).phone, null);
			assert.match(of(zip).warnings.join(), /no telephone/);
		}
	});

	test('every telephone number is one of ten digits in E.164 form', () => {
		for (const zip of zips) for (const target of of(zip).targets) if (target.phone !== null) assert.match(target.phone, /^\+1[2-9]\d{2}[2-9]\d{6}$/);
	});

	test('bad lines are answered and passed over; ZIP+4 and blanks are understood', async () => {
		const [plus4, blank, word, empty, unknown, good] = await lookup(['94110-1234', ' 94110 ', 'ninety', '', '00000', '94110']);
		assert.deepEqual(plus4.targets, good.targets);
		assert.deepEqual(blank.targets, good.targets);
		for (const answer of [word, empty, unknown]) {
			assert.equal(typeof answer.error, 'string');
			assert.deepEqual([answer.divisions, answer.split, answer.targets], [[], false, []]);
		}
	});

	test('the second time nothing is compiled', async () => {
		const started = process.hrtime.bigint();
		await lookup(['94110']);
		assert.ok(Number(process.hrtime.bigint() - started) / 1e6 < 2000 * patience);
	});
});
