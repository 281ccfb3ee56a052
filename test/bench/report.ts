import { execFileSync } from 'node:child_process';
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { checkout } from '../../scripts/stack/folders.ts';
import type { Findings, Report, Row, Verdict } from './figures.ts';
import type { Measurement } from './load/messages.ts';
import { SCENARIOS } from './plan.ts';
import type { ScenarioName } from './plan.ts';
import { judge } from './targets.ts';

/** statfs(2): TMPFS_MAGIC. */
const TMPFS = 0x01021994;

export function reportOf(findings: Findings, dataFolder: string): Report {
  const { rounds } = findings;
  const rows = [...rounds].map(([scenario, measurements]) => rowOf(scenario, measurements, rounds));
  const figures = {
    rows,
    readyMs: median(findings.readyMs),
    idleMegabytes: findings.idleMegabytes ?? NaN,
    afterMegabytes: findings.afterMegabytes ?? NaN,
  };
  const machine = machineLine(dataFolder);
  const at = new Date().toISOString();
  return { command: findings.command, machine, at, ...figures, verdicts: judge(figures) };
}

/** Writes the report and every round as JSON; returns where. */
export function writeReport(report: Report, rounds: Findings['rounds']): string {
  const folder = join(checkout, '.local', 'bench');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${report.at.replaceAll(/[:.]/g, '-')}.json`);
  const everything = { ...report, rounds: Object.fromEntries(rounds) };
  writeFileSync(file, `${JSON.stringify(everything, null, 2)}\n`);
  return file;
}

export function tableOf(report: Report): string {
  const head = [
    'scenario',
    'calls/s',
    '(range)',
    'of echo',
    'p50 ms',
    'p99 ms',
    'CPU',
    '×grpc',
    'PG CPU',
  ];
  const rows = report.rows.map((row) => [
    row.scenario,
    whole(row.callsPerSecond),
    `${whole(row.slowest)}–${whole(row.fastest)}`,
    percent(row.ofEcho),
    row.p50Ms.toFixed(1),
    row.p99Ms.toFixed(1),
    whole(row.serverCpu),
    row.ofGrpcCpu.toFixed(2),
    // The service's jobs keep PostgreSQL busy a little; that is not the call's doing.
    row.postgresCpu >= 2 ? whole(row.postgresCpu) : '–',
    whole(row.generatorCpu),
    row.otherCores.toFixed(1),
    row.failed === 0 ? SCENARIOS[row.scenario].about : `${row.failed} FAILED`,
  ]);
  return [
    `$ ${report.command}`,
    report.machine,
    '',
    ...aligned([[...head, 'load CPU', 'others', ''], ...rows]),
    '',
    'CPU: ms per 1,000 calls of the server, of PostgreSQL and of the load generator; ×grpc: as a multiple',
    'of plain grpc-js’s. Others: cores that something else kept busy. Medians of the rounds; ratios are',
    'taken within each round.',
    '',
    `Ready after its stores: ${whole(report.readyMs)} ms. Resident memory: ${whole(report.idleMegabytes)} MB idle, ${whole(report.afterMegabytes)} MB after the load.`,
    '',
    ...report.verdicts.map(verdictLine),
  ].join('\n');
}

function verdictLine({ target, found, isMet }: Verdict): string {
  return `${isMet ? 'met   ' : 'MISSED'}  ${target}: ${found}`;
}

function rowOf(
  scenario: ScenarioName,
  measurements: readonly Measurement[],
  rounds: Findings['rounds'],
): Row {
  const rates = measurements.map(rateOf);
  const perThousand = (pick: (cpu: Measurement['cpu']) => number | undefined) =>
    median(measurements.map(({ cpu, calls }) => ((pick(cpu) ?? NaN) / calls) * 1e6));
  return {
    scenario,
    callsPerSecond: median(rates),
    slowest: Math.min(...rates),
    fastest: Math.max(...rates),
    p50Ms: median(measurements.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(measurements.map(({ p99Ms }) => p99Ms)),
    serverCpu: perThousand(({ server }) => server),
    postgresCpu: perThousand(({ postgres }) => postgres),
    generatorCpu: perThousand(({ generator }) => generator),
    otherCores: median(measurements.map(otherCores)),
    ofEcho: ratio(measurements, rounds.get('http2-echo'), rateOf),
    ofGrpcCpu: ratio(measurements, rounds.get('grpc-echo'), cpuPerCall),
    failed: measurements.reduce((sum, { failed }) => sum + failed, 0),
  };
}

/** What slows the machine down for a while meets both sides of a round, so each round has its own ratio. */
function ratio(
  ours: readonly Measurement[],
  theirs: readonly Measurement[] = [],
  figure: (measurement: Measurement) => number,
): number {
  const pairs = ours.map((own, round) => {
    const other = theirs[round];
    return other === undefined ? NaN : figure(own) / figure(other);
  });
  return median(pairs);
}

function cpuPerCall({ cpu, calls }: Measurement): number {
  return (cpu.server ?? NaN) / calls;
}

function rateOf({ calls, seconds }: Measurement): number {
  return calls / seconds;
}

/** Valkey and the bench itself are among the others; together they need little. */
function otherCores({ cpu, seconds }: Measurement): number {
  const { machine = NaN, server = NaN, postgres = NaN, generator } = cpu;
  return Math.max(0, (machine - server - postgres - generator) / seconds);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}

function machineLine(dataFolder: string): string {
  const [first] = cpus();
  const data = statfsSync(dataFolder).type === TMPFS ? 'memory (fsync is free there)' : 'disk';
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const commit = execFileSync('git', ['describe', '--always', '--dirty'], {
    cwd: checkout,
    encoding: 'utf8',
  });
  const parts = [
    `${cpus().length} × ${first?.model.trim() ?? 'unknown CPU'}`,
    `${gigabytes} GB`,
    `${process.platform}-${process.arch}`,
    `Node ${process.version}`,
    `PostgreSQL’s data on ${data}`,
    `commit ${commit.trim()}`,
  ];
  return parts.join(' · ');
}

function whole(value: number): string {
  return Number.isNaN(value) ? '–' : Math.round(value).toLocaleString('en-US');
}

function percent(value: number): string {
  return Number.isNaN(value) ? '–' : `${(100 * value).toFixed(1)} %`;
}

/** Text to the left in the first and last column, numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        if (column === row.length - 1) return cell;
        const width = widths?.[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
