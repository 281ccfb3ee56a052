import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { checkout } from './stack/folders.ts';

/** One tool that must find nothing. */
type Check = { readonly title: string; readonly script: string; readonly args: readonly string[] };

const modules = join(checkout, 'node_modules');
// Two lanes of about the same length, for two cores.
const LANES: readonly (readonly Check[])[] = [
  [{ title: 'ESLint', script: join(modules, 'eslint/bin/eslint.js'), args: ['.'] }],
  [
    { title: 'TypeScript', script: join(modules, 'typescript/bin/tsc'), args: ['--noEmit'] },
    {
      title: 'Prettier',
      script: join(modules, 'prettier/bin/prettier.cjs'),
      args: ['--check', '.'],
    },
    { title: 'buf lint, format, breaking', script: 'scripts/gen.mjs', args: ['--lint'] },
    { title: 'gen/ is up to date', script: 'scripts/gen.mjs', args: ['--check'] },
  ],
];

/** Runs every check, prints what each one found, and returns the titles of those that failed. */
export async function check(): Promise<string[]> {
  const failed = await Promise.all(LANES.map(runLane));
  return failed.flat();
}

async function runLane(lane: readonly Check[]): Promise<string[]> {
  const failed: string[] = [];
  for (const one of lane) {
    const startedAt = performance.now();
    const output = await findings(one);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${output === undefined ? '✓' : '✗'} ${one.title} ${seconds} s`);
    if (output !== undefined) {
      console.log(output);
      failed.push(one.title);
    }
  }
  return failed;
}

/** What the tool printed if it failed. */
function findings({ script, args }: Check): Promise<string | undefined> {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code) => {
      resolve(code === 0 ? undefined : Buffer.concat(output).toString().trimEnd());
    });
  });
}

if (import.meta.main) {
  const failed = await check();
  process.exitCode = failed.length === 0 ? 0 : 1;
}
