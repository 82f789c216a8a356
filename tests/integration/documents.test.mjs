// What is written about the program is what the program says of itself.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { checkout as root, program } from '../harness/places.mjs';

const tell = (...words) => execFileSync(program, words, { encoding: 'utf8', env: { PATH: process.env.PATH } });

test('deploy/CONFIGURATION.md is what `callpower settings` prints', () => {
	const document = readFileSync(join(root, 'deploy/CONFIGURATION.md'), 'utf8');
	assert.equal(document.slice(document.indexOf('| setting |')), tell('settings'));
});

test('web/openapi.yaml describes every route, and no other', () => {
	const { paths } = parse(readFileSync(join(root, 'web/openapi.yaml'), 'utf8'), { merge: true });
	const described = Object.entries(paths)
		.flatMap(([path, item]) => Object.keys(item).filter((key) => key !== 'parameters').map((method) => `${method} ${path}`));
	assert.deepEqual(described.sort(), tell('routes').trim().split('\n').sort());
});

test('web/openapi.yaml names every stable word that the server can answer with', () => {
	const words = new Set();
	for (const file of ['web/api/create.c', 'core/telephony/carrier.c', 'web/respond.c'])
		for (const [, word] of readFileSync(join(root, file), 'utf8').matchAll(/(?:refuse\(creation, \d+, |cp_http_reply_error\(request, \d+, |\[CP_CARRIER_\w+\] = \{)"(\w+)"/g))
			words.add(word);
	words.delete('ok');
	assert.ok(words.size > 20, 'the words are found in the source');
	const description = readFileSync(join(root, 'web/openapi.yaml'), 'utf8');
	assert.deepEqual([...words].filter((word) => !description.includes(`\`${word}\``)), []);
});
