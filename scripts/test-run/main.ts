import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChecks } from './checks.ts';
import { planOf } from './suites.ts';

const JEST = 'node_modules/jest/bin/jest.js';

const plan = planOf(process.argv.slice(2));
const failedChecks = plan.isChecked ? await runChecks() : [];
const tests = runJest([...plan.patterns, ...plan.jestArguments]);
for (const name of failedChecks) console.error(`✗ ${name} failed, see above`);
const passed = tests.passed + (plan.isChecked ? 1 : 0) - Math.min(1, failedChecks.length);
const failed = tests.failed + Math.min(1, failedChecks.length);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || !tests.isGreen ? 1 : 0;

/** Runs jest in the foreground; its report goes to a file that is read for the closing line. */
function runJest(words: readonly string[]): { passed: number; failed: number; isGreen: boolean } {
  const folder = mkdtempSync(join(tmpdir(), 'auth-tests-'));
  const report = join(folder, 'report.json');
  const options = ['--json', `--outputFile=${report}`, '--passWithNoTests=false'];
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const result = spawnSync(process.execPath, [...node, JEST, ...options, ...words], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      NODE_ENV: 'test',
      NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
    },
  });
  const { passed, failed } = countsIn(report);
  rmSync(folder, { recursive: true, force: true });
  return { passed, failed, isGreen: result.status === 0 };
}

function countsIn(report: string): { passed: number; failed: number } {
  try {
    const read: unknown = JSON.parse(readFileSync(report, 'utf8'));
    return { passed: count(read, 'numPassedTests'), failed: count(read, 'numFailedTests') };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

function count(report: unknown, name: string): number {
  const isReport = typeof report === 'object' && report !== null && name in report;
  return isReport ? Number(Reflect.get(report, name)) : 0;
}
