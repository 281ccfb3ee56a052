import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { identify, type ProcessIdentity } from './identity.ts';
import { note } from './ledger.ts';

/** What to run in the background; the account is for programs that refuse to run as root. */
export type Launch = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly cwd?: string;
  readonly account?: { readonly uid: number; readonly gid: number } | undefined;
  /** Told at once, before the process is ready: whoever is killed while waiting leaves a record of it. */
  readonly onStart?: ((identity: ProcessIdentity) => void) | undefined;
};

/** A running background process. `ended` tells how it ended, for an error message. */
export type Running = {
  readonly name: string;
  readonly identity: ProcessIdentity;
  readonly logFile: string;
  readonly ended: Promise<string>;
  readonly isRunning: () => boolean;
};

const SHOWN_LOG_LINES = 25;

/**
 * Starts a process in a session of its own: Ctrl-C in the terminal reaches only us, so we decide the order
 * in which things stop, and the process outlives us when we are told to leave it running.
 */
export async function launch(wanted: Launch): Promise<Running> {
  // The file of an earlier run may belong to another user.
  rmSync(wanted.logFile, { force: true });
  const log = openSync(wanted.logFile, 'w', 0o600);
  const child = spawn(wanted.command, [...wanted.args], {
    detached: true,
    stdio: ['ignore', log, log],
    env: wanted.env,
    cwd: wanted.cwd ?? '/',
    ...wanted.account,
  });
  closeSync(log);
  await once(child, 'spawn');
  child.unref();
  let endedAs: string | undefined;
  const ended = once(child, 'exit').then(([code, signal]) => {
    endedAs = signal === null ? `exit code ${code}` : `signal ${signal}`;
    return endedAs;
  });
  const pid = child.pid ?? 0;
  const identity = identify(pid) ?? { pid, startedAt: 'ended at once' };
  note(identity);
  wanted.onStart?.(identity);
  return {
    name: wanted.name,
    identity,
    logFile: wanted.logFile,
    ended,
    isRunning: () => endedAs === undefined,
  };
}

/** Polls until the check holds. @throws with the log's last lines when the process ends or time is up. */
export async function waitUntil(
  running: Running,
  check: () => Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await check())) {
    if (!running.isRunning()) {
      throw new Error(`${running.name} ended (${await running.ended}).${logTail(running.logFile)}`);
    }
    if (performance.now() > deadline) {
      const seconds = Math.round(timeoutMs / 1000);
      throw new Error(
        `${running.name} is not ready after ${seconds} s.${logTail(running.logFile)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function logTail(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-SHOWN_LOG_LINES);
  return ` Its log ends with:\n  ${lines.join('\n  ')}\n(all of it: ${file})`;
}
