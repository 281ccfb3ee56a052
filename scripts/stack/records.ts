import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, patiently, POSTGRES_SHUTDOWN, type Request } from '../process/end.ts';
import { identify, isAlive, isProcessIdentity, type ProcessIdentity } from '../process/identity.ts';
import { folders } from './folders.ts';

/** What the stack consists of, in the order in which it stops: whoever uses a thing stops before it. */
export const MEMBERS = ['envoy', 'service', 'inbox', 'valkey', 'postgres'] as const;
/** The commands: `start` is bringing the stack up, `watch` waits in the foreground for Ctrl-C. */
export const COMMANDS = ['start', 'watch'] as const;
export type Part = (typeof MEMBERS)[number] | (typeof COMMANDS)[number];

const SHUTDOWN: Readonly<Record<Part, readonly Request[]>> = {
  // They stop the members one after the other before they end themselves.
  start: patiently(60_000),
  watch: patiently(60_000),
  envoy: patiently(10_000),
  // Longer than its own drain time-out.
  service: patiently(30_000),
  inbox: patiently(5_000),
  valkey: patiently(10_000),
  postgres: POSTGRES_SHUTDOWN,
};

/** Notes the process that plays a part, so that a later command ends exactly this one. */
export function record(part: Part, identity: ProcessIdentity): void {
  forget(part);
  writeFileSync(fileOf(part), JSON.stringify(identity));
}

/** The recorded process of a part, if it lives. */
export function livingProcess(part: Part): ProcessIdentity | undefined {
  const identity = readRecord(part);
  return identity !== undefined && isAlive(identity) ? identity : undefined;
}

/**
 * Makes this process the one that starts the stack. Returns the other process when one does so already;
 * the file's exclusive creation decides between two that come at once.
 */
export function claimStart(): ProcessIdentity | undefined {
  const self = identify(process.pid);
  for (;;) {
    const other = livingProcess('start');
    if (other !== undefined) {
      return other;
    }
    rmSync(fileOf('start'), { force: true });
    try {
      writeFileSync(fileOf('start'), JSON.stringify(self), { flag: 'wx' });
      return undefined;
    } catch {
      // Somebody was faster: look again.
    }
  }
}

export function forget(part: Part): void {
  rmSync(fileOf(part), { force: true });
}

/** Ends a recorded process and forgets it; false when there was none. @throws when it does not end */
export async function endPart(part: Part): Promise<boolean> {
  const identity = livingProcess(part);
  if (identity !== undefined && !(await end(identity, SHUTDOWN[part]))) {
    throw new Error(`${part} (process ${identity.pid}) does not end.`);
  }
  forget(part);
  return identity !== undefined;
}

function readRecord(part: Part): ProcessIdentity | undefined {
  if (!readdirSync(folders.run).includes(`${part}.json`)) {
    return undefined;
  }
  try {
    const found: unknown = JSON.parse(readFileSync(fileOf(part), 'utf8'));
    return isProcessIdentity(found) ? found : undefined;
  } catch {
    // Cut short by a crash, or removed at this moment: nobody to end.
    return undefined;
  }
}

function fileOf(part: Part): string {
  return join(folders.run, `${part}.json`);
}
