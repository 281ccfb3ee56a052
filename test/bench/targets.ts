import type { Report, Row, Verdict } from './figures.ts';
import type { ScenarioName } from './plan.ts';

type Figures = Pick<Report, 'rows' | 'readyMs' | 'idleMegabytes'>;

/** The promises whose scenarios ran, on one process with every interceptor on. */
export function judge(figures: Figures): Verdict[] {
  const rows = new Map(figures.rows.map((row) => [row.scenario, row]));
  return [
    ...engineVerdicts(rows),
    ...rateVerdicts(rows),
    ...floodVerdicts(rows),
    atMost('idle memory', { found: figures.idleMegabytes, limit: 150, unit: 'MB' }),
    atMost('ready after its stores', { found: figures.readyMs, limit: 2_000, unit: 'ms' }),
  ].filter((verdict) => verdict !== undefined);
}

type Rows = ReadonlyMap<ScenarioName, Row>;

function engineVerdicts(rows: Rows): Verdict[] {
  const empty = rows.get('empty');
  if (empty === undefined || Number.isNaN(empty.ofEcho)) return [];
  const factor = empty.ofGrpcCpu;
  const share = `${(100 * empty.ofEcho).toFixed(1)} %`;
  return [
    {
      target: 'empty RPC at 40 % or more of the bare echo’s rate',
      found: share,
      isMet: empty.ofEcho >= 0.4,
    },
    {
      target: 'empty RPC at 1.5 times plain grpc-js’s CPU or less',
      found: `${factor.toFixed(2)} times`,
      isMet: factor <= 1.5,
    },
  ];
}

/** Calls a second that one process has to reach. A gateway asks about the same tokens again and again. */
const RATES: readonly (readonly [ScenarioName, string, number])[] = [
  ['validate-many', 'ValidateToken', 5_000],
  ['refresh', 'RefreshTokens', 1_500],
];

function rateVerdicts(rows: Rows): Verdict[] {
  return RATES.flatMap(([scenario, name, rate]) => {
    const row = rows.get(scenario);
    if (row === undefined) return [];
    return {
      target: `${name} (${scenario}) at ${count(rate)} a second or more`,
      found: `${count(row.callsPerSecond)} a second, ${count(1e6 / row.serverCpu)} in a second of its CPU`,
      isMet: row.callsPerSecond >= rate,
    };
  });
}

/** bcrypt is bounded so that redeeming backup codes slows nobody else down for long. */
function floodVerdicts(rows: Rows): Verdict[] {
  const [calm, flooded] = [rows.get('validate-calm'), rows.get('validate-flood')];
  if (calm === undefined || flooded === undefined) return [];
  const factor = flooded.p99Ms / calm.p99Ms;
  return [
    {
      target: 'p99 beside a flood of backup codes at twice the calm one’s or less',
      found: `${factor.toFixed(2)} times (${flooded.p99Ms.toFixed(1)} of ${calm.p99Ms.toFixed(1)} ms)`,
      isMet: factor <= 2,
    },
  ];
}

/** Nothing is said about what could not be read. */
function atMost(
  name: string,
  { found, limit, unit }: { found: number; limit: number; unit: string },
): Verdict | undefined {
  if (Number.isNaN(found)) return undefined;
  const target = `${name} at ${count(limit)} ${unit} or less`;
  return { target, found: `${count(found)} ${unit}`, isMet: found <= limit };
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
