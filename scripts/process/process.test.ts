import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { end, patiently, sendSignal } from './end.ts';
import { commandLineOf, identify, isAlive, type ProcessIdentity } from './identity.ts';
import { launch, waitUntil } from './launch.ts';
import { settle } from './ledger.ts';
import { freePort, isListening, isPortFree } from './port.ts';

const WAIT_FOREVER = 'setInterval(() => {}, 1000); process.stdout.write("up")';
const IGNORE_SIGTERM = `process.on("SIGTERM", () => {}); ${WAIT_FOREVER}`;
const children: ChildProcess[] = [];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'process-'));
});
afterEach(() => {
  children.splice(0).forEach((child) => child.kill('SIGKILL'));
  rmSync(folder, { recursive: true, force: true });
});

async function startChild(script: string): Promise<ProcessIdentity> {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  await once(child.stdout, 'data');
  return identityOf(child.pid ?? 0);
}

function identityOf(pid: number): ProcessIdentity {
  const identity = identify(pid);
  if (identity === undefined) {
    throw new Error('The child ended at once');
  }
  return identity;
}

describe('the identity of a process', () => {
  test('holds while the process lives', async () => {
    const identity = await startChild(WAIT_FOREVER);

    expect(isAlive(identity)).toBe(true);
    expect(commandLineOf(identity.pid)).toContain('setInterval');
  });

  test('does not fit a later process with the same number', () => {
    const recycled = { ...identityOf(process.pid), startedAt: 'another start' };

    expect(isAlive(recycled)).toBe(false);
  });

  test('does not exist for a number that nobody has', () => {
    // Above the largest pid that Linux and macOS give out.
    expect(identify(2 ** 22 + 1)).toBeUndefined();
  });
});

describe('ending a process', () => {
  test('asks politely first', async () => {
    const identity = await startChild(WAIT_FOREVER);

    expect(await end(identity, patiently(5_000))).toBe(true);
    expect(isAlive(identity)).toBe(false);
  });

  test('uses force when asking does not help', async () => {
    const identity = await startChild(IGNORE_SIGTERM);

    expect(await end(identity, patiently(100))).toBe(true);
    expect(isAlive(identity)).toBe(false);
  });

  test('leaves a stranger with a recycled number alone', async () => {
    const stranger = await startChild(WAIT_FOREVER);
    const recorded = { pid: stranger.pid, startedAt: 'before the stranger' };

    expect(sendSignal(recorded, 'SIGKILL')).toBe(false);
    expect(await end(recorded, patiently(100))).toBe(true);
    expect(isAlive(stranger)).toBe(true);
  });

  test('settles a ledger whose last line was cut short', async () => {
    const living = await startChild(WAIT_FOREVER);
    const gone = { pid: living.pid, startedAt: 'long ago' };
    const ledger = join(folder, 'ledger');
    writeFileSync(ledger, `${JSON.stringify(gone)}\n${JSON.stringify(living)}\n{"pid":12`);

    expect(await settle(ledger)).toBe(1);
    expect(isAlive(living)).toBe(false);
  });
});

describe('launching a process', () => {
  test('writes its output to the log file and tells how it ended', async () => {
    const logFile = join(folder, 'log');
    const args = ['-e', 'console.log("hello"); process.exit(3)'];
    const name = 'A short program';
    const running = await launch({ name, command: process.execPath, args, env: {}, logFile });

    expect(await running.ended).toBe('exit code 3');
    expect(readFileSync(logFile, 'utf8')).toBe('hello\n');
  });

  test('shows the end of the log when it ends before it is ready', async () => {
    const logFile = join(folder, 'log');
    const args = ['-e', 'console.error("no such port"); process.exit(1)'];
    const name = 'A broken program';
    const running = await launch({ name, command: process.execPath, args, env: {}, logFile });
    const ready = waitUntil(running, () => Promise.resolve(false), 20_000);

    await expect(ready).rejects.toThrow(/A broken program ended \(exit code 1\).*no such port/s);
  });
});

describe('a port', () => {
  test('is free until somebody listens on it', async () => {
    const port = await freePort();
    expect(await isPortFree(port)).toBe(true);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');

    expect(await isPortFree(port)).toBe(false);
    expect(await isListening(port)).toBe(true);
    server.close();
    await once(server, 'close');
    expect(await isListening(port)).toBe(false);
  });
});
