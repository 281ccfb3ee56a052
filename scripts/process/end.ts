import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, type ProcessIdentity } from './identity.ts';

/** One way of asking a process to end, and how long it may take before the next one. */
export type Request = { readonly signal: NodeJS.Signals; readonly waitMs: number };

const POLL_MS = 20;

/** Asks first and waits this long, then uses force. */
export function patiently(waitMs: number): readonly Request[] {
  return [
    { signal: 'SIGTERM', waitMs },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ];
}

/** PostgreSQL's fast shutdown, then immediate shutdown, then force (its manual, "Shutting Down the Server"). */
export const POSTGRES_SHUTDOWN: readonly Request[] = [
  { signal: 'SIGINT', waitMs: 15_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
];

/** Ends exactly this process; a recycled pid is left alone. False when it survived every request. */
export async function end(
  identity: ProcessIdentity,
  requests: readonly Request[],
): Promise<boolean> {
  for (const { signal, waitMs } of requests) {
    if (!sendSignal(identity, signal)) {
      return true;
    }
    if (await diesWithin(identity, waitMs)) {
      return true;
    }
  }
  return !isAlive(identity);
}

/** Signals exactly this process; false when it is gone. */
export function sendSignal(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) {
    return false;
  }
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') {
      return false;
    }
    throw error;
  }
}

async function diesWithin(identity: ProcessIdentity, waitMs: number): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  while (performance.now() < deadline) {
    if (!isAlive(identity)) {
      return true;
    }
    await sleep(POLL_MS);
  }
  return !isAlive(identity);
}
