// Which of our folders may include which: only what lies below. (Where the libraries' headers may stand is tests/check-includes' matter.)
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { checkout } from '../harness/places.mjs';

const trees = ['core', 'providers', 'tenants', 'web', 'deploy'];

function* sources(folder) {
	let entries;
	try {
		entries = readdirSync(folder, { withFileTypes: true });
	} catch {
		return; // a folder that this version does not have
	}
	for (const entry of entries) {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) yield* sources(path);
		else if (/\.[ch]$/.test(entry.name)) yield path;
	}
}

const files = trees.flatMap((tree) => [...sources(join(checkout, tree))]).map((path) => ({
	path: relative(checkout, path),
	includes: [...readFileSync(path, 'utf8').matchAll(/^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]/gm)].map((match) => match[1]),
}));

// Folder: what it may include of ours. A folder's own headers are always allowed.
const core = ['base', 'loop', 'db', 'http', 'fetch', 'crypto', 'text', 'geo', 'provider', 'job', 'telephony', 'campaign', 'call'];
const below = {
	base: [],
	loop: ['base'],
	db: ['base', 'loop'],
	http: ['base', 'loop'],
	fetch: ['base', 'loop'],
	crypto: ['base'],
	text: ['base'],
	geo: ['base', 'text', 'crypto'],
	provider: ['base', 'loop', 'db', 'crypto', 'text', 'geo', 'fetch'],
	telephony: ['base', 'loop', 'fetch', 'crypto', 'text'],
	campaign: ['base', 'loop', 'db', 'text', 'geo', 'provider', 'telephony', 'crypto'],
	call: ['base', 'loop', 'db', 'text', 'geo', 'provider', 'telephony', 'campaign', 'crypto'],
};
for (const [folder, allowed] of Object.entries(below)) {
	test(`core/${folder} includes only what lies below it`, () => {
		const wrong = [];
		for (const { path, includes } of files.filter((file) => file.path.startsWith(`core/${folder}/`))) {
			for (const name of includes) {
				const module = name.split('/')[0];
				if (name.includes('/') && core.includes(module) && module !== folder && !allowed.includes(module)) wrong.push(`${path}: ${name}`);
				if (/^(tenants|web|voice|api)\//.test(name)) wrong.push(`${path}: ${name}`);
			}
		}
		assert.deepEqual(wrong, []);
	});
}

test('core knows neither organizations nor pages, organizations know no pages', () => {
	const wrong = [];
	for (const { path, includes } of files) {
		const forbidden = path.startsWith('core/') ? /^(tenants|web)\// : path.startsWith('tenants/') ? /^web\// : null;
		if (forbidden && includes.some((name) => forbidden.test(name))) wrong.push(path);
	}
	assert.deepEqual(wrong, []);
});

test("a country plugin includes provider.h and the authors' kit only", () => {
	const wrong = [];
	for (const { path, includes } of files.filter((file) => /^providers\/(?!kit\/)/.test(file.path))) {
		for (const name of includes) if (core.includes(name.split('/')[0]) && name.includes('/')) wrong.push(`${path}: ${name}`);
	}
	assert.deepEqual(wrong, []);
});
