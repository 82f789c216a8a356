// Where things are, for every test: the checkout, the build that is tested, the folder for logs, the data that may lie beside.
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const testsFolder = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const checkout = dirname(testsFolder);
export const buildFolder = resolve(checkout, process.env.CP_TEST_BUILD ?? 'build');
export const resultsFolder = resolve(checkout, process.env.CP_TEST_RESULTS ?? 'var/tests');
export const program = join(buildFolder, 'callpower');
export const carrierProgram = join(buildFolder, 'callpower-carrier');
export const postgresScript = join(testsFolder, 'harness', 'postgres');

/** Compiled data of countries; shared by all tests, because it is immutable. */
export const cacheFolder = join(resultsFolder, 'cache');

/** How much slower than usual things may be: sanitizer builds set it. Multiplies every time limit of the tests. */
export const patience = Number(process.env.CP_TEST_PATIENCE ?? 1);

/** The folder of real data, or null: it is not part of the repository. */
export const dataFolder =
	[process.env.CALLPOWER_DATA, join(checkout, '..', 'shared', 'data')].find((folder) => folder && existsSync(join(folder, 'us'))) ?? null;

mkdirSync(resultsFolder, { recursive: true });
