import type { Overrides } from '../../src/context.ts';
import type { Random } from '../../src/platform/random.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import type { Settings } from '../support/postgres.ts';

/** Tables whose times are the process's own, or that only grow. */
const TIMELESS = ['migrations', 'signing_keys', 'job_runs'];

/** The real service on real stores, whose time moves on when a test says so. */
export interface World {
  readonly app: TestApp;
  /** Seconds by which it is later than on the wall. */
  laterSeconds(): number;
  /** Makes it `seconds` later for the process, for PostgreSQL and for Redis. */
  pass(seconds: number): Promise<void>;
  /** Empties both stores: the next run begins with nothing. */
  reset(): Promise<void>;
}

/** `wallMs` may stand still, so that a run knows in which time step of an authenticator it is. */
export async function startWorld(
  settings: Settings = {},
  wallMs: () => number = Date.now,
): Promise<World> {
  let laterMs = 0;
  const clock = { nowMs: () => wallMs() + laterMs };
  const overrides: Overrides = { clock, random: differentCodes() };
  const app = await startApp(settings, overrides);
  const shifts = await shiftsOf(app);
  const tables = await tablesOf(app);
  return {
    app,
    laterSeconds: () => laterMs / 1000,
    pass: async (seconds) => {
      laterMs += seconds * 1000;
      const interval = `interval '${seconds} seconds'`;
      await app.sql(shifts.replaceAll('$interval', interval));
      await age(app, seconds * 1000);
    },
    reset: async () => {
      laterMs = 0;
      await app.sql(`TRUNCATE ${tables.join(', ')} CASCADE`);
      await app.redis.flushdb();
    },
  };
}

/** No two codes are alike, so that a right guess is never luck. */
function differentCodes(): Random {
  let count = 0;
  return {
    ...systemRandom,
    code: (digits) => {
      count += 1;
      return String((count * 7_919) % 10 ** digits).padStart(digits, '0');
    },
  };
}

/** One statement per table that moves every one of its times into the past. */
async function shiftsOf(app: TestApp): Promise<string> {
  const columns = await app.sql<{ table: string; column: string; isList: boolean }>(
    `SELECT c.table_name AS "table", c.column_name AS "column", c.data_type = 'ARRAY' AS "isList"
       FROM information_schema.columns c
       JOIN information_schema.tables t USING (table_schema, table_name)
       JOIN pg_class k ON k.relname = c.table_name AND k.relkind = 'r' AND NOT k.relispartition
      WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
        AND c.udt_name IN ('timestamptz', '_timestamptz') AND c.table_name <> ALL ($1)`,
    [TIMELESS],
  );
  const sets = new Map<string, string[]>();
  for (const { table, column, isList } of columns) {
    const shifted = isList
      ? `array(SELECT at - $interval FROM unnest("${column}") AS at)`
      : `"${column}" - $interval`;
    sets.set(table, [...(sets.get(table) ?? []), `"${column}" = ${shifted}`]);
  }
  return [...sets].map(([table, set]) => `UPDATE "${table}" SET ${set.join(', ')}`).join(';\n');
}

async function tablesOf(app: TestApp): Promise<string[]> {
  const rows = await app.sql<{ name: string }>(
    `SELECT quote_ident(tablename) AS name FROM pg_tables
      WHERE schemaname = 'public' AND tablename <> ALL ($1) AND tablename NOT LIKE 'audit_events_%'`,
    [TIMELESS],
  );
  return rows.map(({ name }) => name);
}

/** Every key of Redis lives that much shorter. */
async function age({ redis }: TestApp, ms: number): Promise<void> {
  for (const key of await redis.keys('*')) {
    const left = await redis.pttl(key);
    if (left < 0) continue;
    if (left <= ms) await redis.del(key);
    else await redis.pexpire(key, left - ms);
  }
}
