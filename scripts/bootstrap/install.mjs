import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { step } from './progress.mjs';

// Longer than any install on a slow line; an older lock belongs to a process whose pid was reused.
const ABANDONED_LOCK_MS = 20 * 60_000;
const SHOWN_ERROR_LINES = 30;

/** Makes node_modules match package-lock.json; does nothing when it already does. */
export async function installPackages(root) {
  if (isInstalled(root)) {
    return;
  }
  const release = await takeLock(join(root, '.local', 'run', 'install.lock'));
  try {
    if (!isInstalled(root)) {
      await step('Installing packages (npm install)', () => install(root));
    }
  } finally {
    release();
  }
}

function isInstalled(root) {
  const stamp = stampFile(root);
  return (
    existsSync(stamp) &&
    existsSync(join(root, 'node_modules', '.bin', 'node')) &&
    readFileSync(stamp, 'utf8') === expectedStamp(root)
  );
}

function stampFile(root) {
  return join(root, 'node_modules', '.installed-lock');
}

function expectedStamp(root) {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}\n`;
}

async function install(root) {
  const lockFile = join(root, 'package-lock.json');
  const lock = readFileSync(lockFile);
  // NODE_ENV=production in the caller's shell would leave the tools out.
  await npm(root, ['install', '--include=dev', '--no-audit', '--no-fund']);
  if (!lock.equals(readFileSync(lockFile))) {
    writeFileSync(lockFile, lock);
    console.warn(
      'npm wanted to change package-lock.json; it was put back. After a change of package.json run `npm install` yourself.',
    );
  }
  writeFileSync(stampFile(root), expectedStamp(root));
}

function npm(root, args) {
  const cli = process.env.npm_execpath;
  const [command, before] = cli?.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []];
  const child = spawn(command, [...before, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`npm cannot be run: ${error.message}`)));
    child.on('close', (code) => {
      if (code === 0) {
        resolve();
        return;
      }
      const lines = Buffer.concat(output)
        .toString()
        .trimEnd()
        .split('\n')
        .slice(-SHOWN_ERROR_LINES);
      reject(new Error(`npm install failed:\n${lines.join('\n')}`));
    });
  });
}

/** Two commands started together must not install into the same folder at once. */
async function takeLock(file) {
  mkdirSync(join(file, '..'), { recursive: true });
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') {
        throw error;
      }
    }
    if (isAbandoned(file)) {
      rmSync(file, { force: true });
    } else {
      await sleep(500);
    }
  }
}

function isAbandoned(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    if (Date.now() - statSync(file).mtimeMs > ABANDONED_LOCK_MS) {
      return true;
    }
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
