import { readFileSync, readdirSync } from 'node:fs';

/** proc(5): times in /proc are in clock ticks, 100 a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that a process used so far; undefined where there is no /proc. */
export function cpuSeconds(pid: number): number | undefined {
  const fields = statOf(pid);
  return fields && (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/**
 * The same for a process and its children. A server's backends live as long as the service's pool, so
 * two readings are comparable.
 */
export function treeCpuSeconds(parent: number): number | undefined {
  const own = cpuSeconds(parent);
  if (own === undefined) return undefined;
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => statOf(Number(name))?.[1] === String(parent));
  return children.reduce((sum, name) => sum + (cpuSeconds(Number(name)) ?? 0), own);
}

/** CPU seconds that the whole machine used so far, in all its cores. */
export function machineCpuSeconds(): number | undefined {
  const line = readIfThere('/proc/stat')?.split('\n', 1)[0];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = (line ?? '')
    .split(/\s+/)
    .slice(1)
    .map(Number);
  if (line === undefined) return undefined;
  return (user + nice + system + irq + softIrq + steal) / TICKS_PER_SECOND;
}

/** Resident memory in megabytes. */
export function residentMegabytes(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readIfThere(`/proc/${pid}/status`) ?? '')?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}

/** The fields of /proc/PID/stat from the state on: 0 = state, 1 = parent, 11 and 12 = user and system time. */
function statOf(pid: number): string[] | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process ended between two looks, or this is not Linux.
    return undefined;
  }
}
