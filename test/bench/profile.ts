import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

interface Frame {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
}

interface Profile {
  readonly nodes: readonly Frame[];
  /** Microseconds of the machine's monotonic clock, as `process.hrtime` has it. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const SHOWN = 30;
const IDLE = '(idle)';

/** What makes Node write a profile when it ends; removes those of the last run. */
export function profiling(folder: string): string[] {
  rmSync(folder, { recursive: true, force: true });
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500'];
}

/**
 * Where the CPU was from a time of the monotonic clock on (before it the service started and warmed
 * up): by package, then by function, most first. Waiting for work does not count.
 */
export function hotSpots(folder: string, fromMicroseconds: number): string[] {
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error(`There is no profile in ${folder}`);
  const profile: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  if (!isProfile(profile)) throw new Error(`${file} is no profile`);
  return [
    `Self time of the service while it was busy (${join(folder, file)}):`,
    ...shares(selfTimes(profile, fromMicroseconds, packageOf)),
    '',
    ...shares(selfTimes(profile, fromMicroseconds, nameOf)).slice(0, SHOWN),
  ];
}

function shares(times: ReadonlyMap<string, number>): string[] {
  const busy = [...times].filter(([name]) => name !== IDLE).sort((a, b) => b[1] - a[1]);
  const total = busy.reduce((sum, [, time]) => sum + time, 0);
  return busy.map(([name, time]) => `${((100 * time) / total).toFixed(1).padStart(5)} %  ${name}`);
}

function selfTimes(
  { nodes, samples, timeDeltas, startTime }: Profile,
  fromMicroseconds: number,
  keyOf: (frame: Frame) => string,
): Map<string, number> {
  const keys = new Map(nodes.map((node) => [node.id, keyOf(node)]));
  const times = new Map<string, number>();
  let now = startTime;
  samples.forEach((id, index) => {
    const delta = timeDeltas[index] ?? 0;
    now += delta;
    if (now < fromMicroseconds) return;
    const key = keys.get(id) ?? '(unknown)';
    times.set(key, (times.get(key) ?? 0) + delta);
  });
  return times;
}

function packageOf({ callFrame: { functionName, url } }: Frame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'native functions';
  if (url.startsWith('node:')) return /^node:(internal\/)?\w+/.exec(url)?.[0] ?? url;
  const name = /node_modules\/((@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  return name ?? /dist\/(src\/[^/]+|gen)/.exec(url)?.[1] ?? url;
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: Frame): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const path = /node_modules\/(.*)$/.exec(url)?.[1] ?? /dist\/(.*)$/.exec(url)?.[1];
  return `${name}  ${path ?? (url.startsWith('node:') ? url : basename(url))}:${lineNumber + 1}`;
}

function isProfile(value: unknown): value is Profile {
  return typeof value === 'object' && value !== null && 'nodes' in value && 'samples' in value;
}
