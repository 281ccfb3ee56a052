import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process that cannot be mistaken for a later one with the same number. */
export type ProcessIdentity = { readonly pid: number; readonly startedAt: string };

/** Names a living process; undefined when there is none (a zombie does not live). */
export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? startFromProc(pid) : startFromPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** True while the very process that was recorded lives. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

/** Tells an identity that was read from a file from anything else. */
export function isProcessIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'startedAt' in value &&
    typeof value.startedAt === 'string'
  );
}

/** The command line of a living process, or undefined. */
export function commandLineOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    return readIfThere(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim();
  }
  return ps(pid, 'command=');
}

/** Clock ticks since boot, with the boot's id: a restart of the machine reuses both pids and ticks. */
function startFromProc(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) {
    return undefined;
  }
  // proc(5): the name in parentheses may hold spaces; after it come state (3) … starttime (22).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const bootId = readIfThere('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  return fields[0] === 'Z' || fields[19] === undefined ? undefined : `${bootId}/${fields[19]}`;
}

function startFromPs(pid: number): string | undefined {
  const line = ps(pid, 'stat=,lstart=');
  if (line === undefined || line.startsWith('Z')) {
    return undefined;
  }
  return line.replace(/^\S+\s+/, '');
}

function ps(pid: number, columns: string): string | undefined {
  const result = spawnSync('ps', ['-o', columns, '-p', String(pid)], { encoding: 'utf8' });
  const line = result.status === 0 ? result.stdout.trim() : '';
  return line === '' ? undefined : line;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process ended between two looks, or belongs to a hidden pid namespace.
    return undefined;
  }
}
