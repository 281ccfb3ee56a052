import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../check.ts';
import { LEDGER } from '../process/ledger.ts';
import { checkout, folders, makeFolders } from '../stack/folders.ts';
import { envoyProgram, valkeyProgram } from '../tools/programs.ts';
import { countResult, type Counts } from './result.ts';
import { closeRun, openRun, type RunFolder } from './run-folder.ts';
import { type Asked, readArguments } from './suites.ts';

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
  });
}

try {
  const counts = await main(readArguments(process.argv.slice(2)));
  process.exitCode = counts.failed === 0 ? 0 : 1;
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
}

/** The checks (only when everything was asked for) and the tests. */
async function main(asked: Asked): Promise<Counts> {
  makeFolders();
  const isEverything = asked.suites.length === 0 && asked.jestOptions.length === 0;
  await Promise.all([envoyProgram(folders.tools), valkeyProgram(folders.tools)]);
  const failedChecks = isEverything ? await check() : [];
  const run = await openRun();
  try {
    const counts = await runJest(run, asked);
    return { ...counts, failed: counts.failed + failedChecks.length };
  } finally {
    await closeRun(run);
    if (failedChecks.length > 0) {
      console.log(`Failed checks: ${failedChecks.join(', ')}`);
    }
  }
}

async function runJest(run: RunFolder, { suites, jestOptions }: Asked): Promise<Counts> {
  const resultFile = join(run.temporary, 'result.json');
  const jest = join(checkout, 'node_modules', 'jest', 'bin', 'jest.js');
  const options = ['--json', `--outputFile=${resultFile}`];
  const child = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      jest,
      ...options,
      ...jestOptions,
    ],
    {
      cwd: checkout,
      // Jest prints the JSON on standard output too; people read its reporter on standard error.
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        TEST_SUITES: suites.join(','),
        TMPDIR: run.temporary,
        [LEDGER]: run.ledger,
      },
    },
  );
  // A terminal's Ctrl-C reaches Jest too; a signal to us alone must be passed on.
  process.on('SIGTERM', () => child.kill());
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
  const result: unknown = existsSync(resultFile)
    ? JSON.parse(readFileSync(resultFile, 'utf8'))
    : undefined;
  return countResult(result, interrupted ? 1 : exitCode);
}
