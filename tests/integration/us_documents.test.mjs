// The rules by which the US plugin reads its documents, on small documents made here: always tested, whatever data are at hand.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stringify } from 'yaml';
import { program } from '../harness/places.mjs';

const folder = mkdtempSync(join(tmpdir(), 'cp-us-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const senator = (id, state, place, rank, extra = {}) => ({
	id: { bioguide: id }, name: { first: id, last: `of ${state}` },
	terms: [{ type: 'sen', start: '2025-01-03', end: '2031-01-03', state, class: place, state_rank: rank, party: 'Democrat', phone: '202-555-0100', ...extra }],
});
const member = (id, state, district, extra = {}) => ({
	id: { bioguide: id }, name: { first: id, last: `of ${state}` },
	terms: [{ type: 'rep', start: '2025-01-03', end: '2027-01-03', state, district, party: 'Republican', phone: '202-555-0199', ...extra }],
});
const office = (id, ...offices) => ({ id: { bioguide: id }, offices });

const people = () => [
	senator('S1', 'CA', 3, 'junior'), senator('S2', 'CA', 1, 'senior'), member('H1', 'CA', 1), member('H2', 'CA', 2), member('D1', 'DC', 0), member('W1', 'WY', 0),
];
const places = 'state_fips,state_abbr,zcta,cd\r\n06,CA,90001,1\r\n06,CA,90002,1\r\n06,CA,90002,2\r\n06,CA,90003,3\r\n11,DC,20001,98\r\n56,WY,82001,0\r\n';

let number = 0;
async function lookup({ members = people(), csv = places, offices, text, file = 'zccd.csv', sub = '' }, zips = ['90001']) {
	const data = join(folder, String(++number));
	mkdirSync(join(data, sub), { recursive: true });
	writeFileSync(join(data, sub, 'legislators-current.yaml'), text ?? stringify(members));
	writeFileSync(join(data, sub, file), csv);
	if (offices !== undefined) writeFileSync(join(data, sub, 'legislators-district-offices.yaml'), typeof offices === 'string' ? offices : stringify(offices));
	const child = spawn(program, ['lookup', 'us', '--order', 'upper-first', '--postal-file', '-'], {
		env: { ...process.env, CALLPOWER_DATA: data, CALLPOWER_CACHE_DIR: join(data, 'cache') }, stdio: ['pipe', 'pipe', 'pipe'],
	});
	child.stdin.on('error', () => {}); // it may have ended before it read
	child.stdin.end(zips.map((zip) => `${zip}\n`).join(''));
	let out = '', err = '';
	child.stdout.on('data', (part) => (out += part));
	child.stderr.on('data', (part) => (err += part));
	const status = await new Promise((resolve) => child.on('close', resolve));
	return { status, err, answers: out.split('\n').filter(Boolean).map((line) => JSON.parse(line)) };
}
const ids = (answer) => answer.targets.map((target) => target.key.replace('us:bioguide:', ''));

test("documents lie in the folder or in its us/, under either of the table's names", async () => {
	for (const [file, sub] of [['zccd.csv', ''], ['zccd_119th.csv', 'us'], ['zccd.csv', 'us']]) {
		const { status, err, answers } = await lookup({ file, sub });
		assert.equal(status, 0, err);
		assert.deepEqual(ids(answers[0]), ['S2', 'S1', 'H1']); // senior first
	}
});

test('districts of one member, delegates, vacancies', async () => {
	const { answers: [split, vacant, dc, wyoming] } = await lookup({}, ['90002', '90003', '20001', '82001']);
	assert.deepEqual([split.split, ids(split)], [true, ['S2', 'S1', 'H1', 'H2']]);
	assert.deepEqual(ids(vacant), ['S2', 'S1']);
	assert.match(vacant.warnings.join(), /CA-3 is vacant/);
	assert.deepEqual(dc.targets.map(({ title, district }) => [title, district]), [['Delegate', 'DC-AL']]);
	assert.deepEqual(ids(wyoming), ['W1']);
	assert.equal(wyoming.warnings.filter((text) => /Senator for WY is vacant/.test(text)).length, 2);
});

test('telephones: of the term, else of the term before it; what cannot be dialled is none', async () => {
	const phone = async (...terms) => {
		const someone = member('H1', 'CA', 1);
		someone.terms = terms.map((term) => ({ type: 'rep', start: '2025-01-03', end: '2027-01-03', state: 'CA', district: 1, party: 'X', ...term }));
		const { status, err, answers } = await lookup({ members: [someone] });
		assert.equal(status, 0, err);
		return answers[0].targets[0].phone;
	};
	assert.equal(await phone({ phone: '202-555-0111' }, {}), '+12025550111');
	assert.equal(await phone({ phone: '202-555-0111' }, { phone: '202-555-0122' }), '+12025550122');
	assert.equal(await phone({ phone: '202-555-0111', type: 'sen' }, {}), null); // of another chamber
	assert.equal(await phone({ phone: '(202) 555.0133' }), '+12025550133');
	assert.equal(await phone({ phone: '1-202-555-0133' }), '+12025550133');
	for (const bad of ['202-555-013', '202-555-01334', '102-555-0133', '202-155-0133', '202-555-0133 x5', 'call us']) assert.equal(await phone({ phone: bad }), null, bad);
});

test('names: the official one, else nickname or first name, last name, suffix', async () => {
	const name = async (given) => {
		const { answers } = await lookup({ members: [{ ...member('H1', 'CA', 1), name: given }] });
		return answers[0].targets[0].name;
	};
	assert.equal(await name({ first: 'Ann', last: 'Bee', official_full: 'Ann C. Bee' }), 'Ann C. Bee');
	assert.equal(await name({ first: 'Ann', last: 'Bee' }), 'Ann Bee');
	assert.equal(await name({ first: 'Ann', nickname: 'Annie', last: 'Bee', suffix: 'Jr.' }), 'Annie Bee, Jr.');
});

test('offices: of those who serve; a point that is nowhere and a number that is none are left out', async () => {
	const offices = [
		office('H1', { id: 'H1-a', city: 'A', phone: '213-555-0101', latitude: 34.1, longitude: -118.2 }, { id: 'H1-b', phone: 'none', latitude: 441.5, longitude: -90 }),
		office('GONE', { id: 'GONE-a', phone: '213-555-0102' }),
	];
	const { status, err, answers } = await lookup({ offices });
	assert.equal(status, 0, err);
	assert.deepEqual(ids(answers[0]), ['S2', 'S1', 'H1']);
});

test('what cannot be right is refused with file, line and reason', async () => {
	const cases = [
		[{ members: [...people(), member('H9', 'CA', 2)] }, /legislators-current\.yaml:\d+: H9 of CA and H2 of CA \(line \d+\) both sit for district 2 of CA/],
		[{ members: [...people(), senator('S9', 'CA', 1, 'junior')] }, /both hold the seat of class 1 of CA/],
		[{ members: [...people(), senator('S9', 'CA', 2, 'junior')] }, /California has no seat of that class/],
		[{ members: [...people(), senator('S9', 'DC', 1, 'junior')] }, /District of Columbia has no seat of that class/],
		[{ members: [...people(), member('H1', 'CA', 9)] }, /H1 of CA \(bioguide:H1\) is listed twice, first in line/],
		[{ members: [...people(), member('H9', 'ZZ', 1)] }, /"ZZ" is no state/],
		[{ members: [...people(), member('H9', 'CA', 'nine')] }, /H9 of CA has no district/],
		[{ members: [...people(), { ...member('H9', 'CA', 9), terms: [] }] }, /H9 of CA has no terms/],
		[{ members: [...people(), { ...member('H9', 'CA', 9), terms: undefined }] }, /has no terms/],
		[{ members: [...people(), { ...member('H9', 'CA', 9), id: {} }] }, /a person has no bioguide id/],
		[{ members: [...people(), { ...member('H9', 'CA', 9), name: { first: 'A' } }] }, /has no family name/],
		[{ members: [...people(), member('H9', 'CA', 9, { type: 'mayor' })] }, /"mayor" is neither sen nor rep/],
		[{ text: '' }, /legislators-current\.yaml:\d+: the document is no list of people/],
		[{ text: 'people: none\n' }, /legislators-current\.yaml:1: the document is no list of people/],
		[{ text: '- id: {bioguide: A}\n  name: [cut' }, /legislators-current\.yaml:\d+: not well-formed YAML/],
		[{ text: '- &a [*a]\n' }, /legislators-current\.yaml:1: the alias \*a: this document may not use aliases/],
		[{ text: `- ${'['.repeat(100)}\n` }, /nested more than 32 deep/],
		[{ text: `- id: ${'x'.repeat(70000)}\n` }, /a value has more than 65536 bytes/],
		[{ text: Buffer.from([0x2d, 0x20, 0xff, 0x0a]) }, /legislators-current\.yaml:1: byte 0xFF is not UTF-8/],
		[{ csv: 'zcta,cd\n90001,1\n' }, /zccd\.csv:1: the columns state_abbr, zcta and cd are not all there/],
		[{ csv: 'state_abbr,zcta,cd\nCA,9001,1\n' }, /zccd\.csv:2: "9001" is no ZIP code/],
		[{ csv: 'state_abbr,zcta,cd\nCA,90001,x\n' }, /zccd\.csv:2: "x" is no number of a district/],
		[{ csv: 'state_abbr,zcta,cd\nZZ,90001,1\n' }, /zccd\.csv:2: "ZZ" is no state/],
		[{ csv: 'state_abbr,zcta,cd\nCA,90001,1\nCA,90001,1\n' }, /zccd\.csv:3: the postal code "90001" is listed twice/],
		[{ csv: 'state_abbr,zcta,cd\nCA,90001,1\nCA,90002\n' }, /zccd\.csv:3: the row has 2 fields, the header has 3/],
		[{ csv: 'state_abbr,zcta,cd\nCA,90001,1\n\0' }, /zccd\.csv:3: there is a NUL byte/],
		[{ csv: '' }, /zccd\.csv:1: the document is empty/],
		[{ offices: 'x: 1\n' }, /legislators-district-offices\.yaml:1: the document is no list/],
		[{ offices: [office('H1', { city: 'A' })] }, /an office of H1 of CA has no id/],
		[{ offices: [office('H1', { id: 'a' }, { id: 'a' })] }, /legislators-district-offices\.yaml:\d+: the office "a" is there twice/],
	];
	for (const [documents, pattern] of cases) {
		const { status, err, answers } = await lookup(documents);
		assert.match(err, pattern);
		assert.equal(status, 1);
		assert.deepEqual(answers, []);
	}
});
