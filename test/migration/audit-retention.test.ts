import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { runMigrations } from '../../src/db/run-migrations.ts';
import { options, startTrialServer } from './trial-server.ts';
import type { TrialDatabase, TrialServer } from './trial-server.ts';

const DAYS = 400;
let server: TrialServer;
let database: TrialDatabase;

beforeAll(async () => {
  server = await startTrialServer();
}, 60_000);
afterAll(() => server.close());

beforeEach(async () => {
  database = await server.database();
  await runMigrations(await database.source(), options);
});

describe('dropping old audit events', () => {
  test('drops the months that ended before the retention, as the serving role', async () => {
    await makeMonths(-20, -16, -15, -13, -3);
    const before = await months();
    expect(await drop(DAYS)).toBe(3);
    const old = [-20, -16, -15].map((ahead) => `audit_events_${month(ahead)}`);
    expect(await months()).toEqual(before.filter((name) => !old.includes(name)));
    expect(await drop(DAYS)).toBe(0);
  });

  test('keeps every event that is younger, and ends those of no month one by one', async () => {
    await insert(DAYS + 1, 'too old');
    await insert(DAYS - 1, 'young enough');
    await makeMonths(-16);
    await insert(0, 'new');
    await drop(DAYS);
    expect(await kept()).toEqual(['new', 'young enough']);
  });

  test.each([89, 0, -1, null])('refuses a retention of %s days', async (days) => {
    await makeMonths(-16);
    await expect(drop(days)).rejects.toMatchObject({ code: '22023' });
    expect(await months()).toContain(`audit_events_${month(-16)}`);
  });

  test('gives up soon when somebody reads the log, and appending goes on', async () => {
    await makeMonths(-16);
    await database.as('auth_owner', async (reader) => {
      await reader.query('BEGIN');
      await reader.query('SELECT count(*) FROM audit_events');
      await expect(drop(DAYS)).rejects.toMatchObject({ code: '55P03' });
      await insert(0, 'meanwhile');
      await reader.query('ROLLBACK');
    });
    expect(await drop(DAYS)).toBe(1);
    expect(await kept()).toEqual(['meanwhile']);
  });

  test('leaves the serving role without a way of its own', async () => {
    await makeMonths(-16);
    for (const statement of [
      `DROP TABLE audit_events_${month(-16)}`,
      `DELETE FROM audit_events_${month(-16)}`,
      `ALTER TABLE audit_events DETACH PARTITION audit_events_${month(-16)}`,
    ]) {
      const attempt = database.as('auth_app', (client) => client.query(statement));
      await expect(attempt).rejects.toMatchObject({ code: '42501' });
    }
  });
});

function drop(days: number | null): Promise<number> {
  return database.as('auth_app', async (client) => {
    const { rows } = await client.query<{ dropped: number }>(
      'SELECT drop_old_audit_partitions($1) AS dropped',
      [days],
    );
    return rows[0]?.dropped ?? -1;
  });
}

function insert(daysAgo: number, type: string): Promise<unknown> {
  return database.as('auth_app', (client) =>
    client.query(
      `INSERT INTO audit_events (created_at, type, outcome, actor)
       VALUES (now() - make_interval(days => $1), $2, 'success', 'system')`,
      [daysAgo, type],
    ),
  );
}

function kept(): Promise<string[]> {
  return database.as('auth_app', async (client) => {
    const { rows } = await client.query<{ type: string }>(
      'SELECT type FROM audit_events ORDER BY type',
    );
    return rows.map(({ type }) => type);
  });
}

/** Partitions that the service made when those months were to come. */
async function makeMonths(...ahead: number[]): Promise<void> {
  await database.as('auth_owner', async (client) => {
    for (const each of ahead) {
      await client.query(
        `CREATE TABLE audit_events_${month(each)} PARTITION OF audit_events
           FOR VALUES FROM ('${firstDay(each)}') TO ('${firstDay(each + 1)}')`,
      );
    }
  });
}

function months(): Promise<string[]> {
  return database.as('auth_owner', async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits
        WHERE inhparent = 'audit_events'::regclass ORDER BY name`,
    );
    return rows.map(({ name }) => name);
  });
}

/** The month `ahead` of this one as partitions are named after it, `202611`. */
function month(ahead: number): string {
  return firstDay(ahead).slice(0, 7).replace('-', '');
}

function firstDay(ahead: number): string {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1)).toISOString();
}
