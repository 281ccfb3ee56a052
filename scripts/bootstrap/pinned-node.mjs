// Must run on Node 20 with nothing installed: only `node:` imports, no TypeScript.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './install.mjs';

const OLDEST_NODE = 20;
const root = fileURLToPath(new URL('../../', import.meta.url));

/** Installs what is missing, then runs a script on the Node that package.json pins, and exits with its code. */
export async function runOnPinnedNode(script, args) {
  try {
    refuseOldNode();
    process.chdir(root);
    await installPackages(root);
    process.exitCode = await runToEnd(script, args);
  } catch (error) {
    console.error(`\n${error.message}`);
    process.exitCode = 1;
  }
}

function refuseOldNode() {
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
    throw new Error(`Node ${OLDEST_NODE} or newer is needed, this is ${process.version}.`);
  }
}

function runToEnd(script, args) {
  const binaries = join(root, 'node_modules', '.bin');
  const node = join(binaries, 'node');
  if (!existsSync(node)) {
    throw new Error(
      'The pinned Node is missing from node_modules. Are install scripts switched off (npm config get ignore-scripts)?',
    );
  }
  const child = spawn(node, [script, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${binaries}${delimiter}${process.env.PATH ?? ''}` },
  });
  // The script decides how to stop. A terminal signals both of us; it ignores the second copy.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal));
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
