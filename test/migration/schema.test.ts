import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runMigrations } from '../../src/db/run-migrations.ts';
import { describeSchema } from './describe-schema.ts';
import { options, quiet, startTrialServer } from './trial-server.ts';
import type { TrialDatabase, TrialServer } from './trial-server.ts';

const GOLDEN = join(import.meta.dirname, '../golden/schema.txt');
const PERMISSION_DENIED = { code: '42501' };

describe('the migrated schema', () => {
  let server: TrialServer;
  let database: TrialDatabase;

  beforeAll(async () => {
    server = await startTrialServer();
    database = await server.database();
    await runMigrations(await database.source(), options);
  }, 60_000);

  afterAll(() => server.close());

  test('is exactly the one in test/golden/schema.txt (UPDATE_GOLDEN=1 rewrites it)', async () => {
    const schema = await database.as('auth_owner', describeSchema);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(GOLDEN, schema);

    expect(schema).toBe(readFileSync(GOLDEN, 'utf8'));
  });

  test('lets the serving role add and read audit events', async () => {
    const rows = await database.as('auth_app', async (client) => {
      await client.query(
        `INSERT INTO audit_events (type, outcome, actor) VALUES ('trial', 'success', 'system')`,
      );
      return (await client.query<{ type: string }>('SELECT type FROM audit_events')).rows;
    });

    expect(rows).toEqual([{ type: 'trial' }]);
  });

  test.each([
    `UPDATE audit_events SET reason = 'other'`,
    'DELETE FROM audit_events',
    'TRUNCATE audit_events',
    'DELETE FROM audit_events_default',
    `UPDATE audit_events_${month(0)} SET reason = 'other'`,
    'DROP TABLE audit_events_default',
    'CREATE TABLE other (id integer)',
    'ALTER TABLE users_auth ADD other integer',
    'CREATE FUNCTION other() RETURNS integer LANGUAGE sql RETURN 1',
    `INSERT INTO migrations (timestamp, name) VALUES (1, 'other')`,
  ])('refuses the serving role: %s', async (statement) => {
    await expect(
      database.as('auth_app', (client) => client.query(statement)),
    ).rejects.toMatchObject(PERMISSION_DENIED);
  });

  test('lets the serving role make the next audit partitions, as often as it likes', async () => {
    const call = database.as('auth_app', async (client) => {
      await client.query('SELECT ensure_audit_partitions()');
      await client.query('SELECT ensure_audit_partitions()');
    });

    await expect(call).resolves.toBeUndefined();
  });

  test('makes the months that it can when rows of another one went to the default partition', async () => {
    const [later, last] = [month(1), month(2)];
    const made = await database.as('auth_owner', async (client) => {
      await client.query(`DROP TABLE audit_events_${later}, audit_events_${last}`);
      await client.query(
        `INSERT INTO audit_events (created_at, type, outcome, actor)
         VALUES (date_trunc('month', now()) + interval '45 days', 'trial', 'success', 'system')`,
      );
      await client.query('SELECT ensure_audit_partitions()');
      await client.query(`DELETE FROM audit_events WHERE created_at > now()`);
      const { rows } = await client.query<{ made: boolean[] }>(
        'SELECT ARRAY[to_regclass($1) IS NOT NULL, to_regclass($2) IS NOT NULL] AS made',
        [`audit_events_${later}`, `audit_events_${last}`],
      );
      return rows[0]?.made;
    });

    expect(made).toEqual([false, true]);
  });

  test('takes rights back that the serving role should not have', async () => {
    await database.as('auth_owner', (client) =>
      client.query('GRANT ALL ON audit_events, audit_events_default TO auth_app'),
    );

    await runMigrations(await database.source(), options);

    await expect(
      database.as('auth_app', (client) => client.query('DELETE FROM audit_events')),
    ).rejects.toMatchObject(PERMISSION_DENIED);
  });

  test('migrates without a serving role, and says so', async () => {
    const said: string[] = [];
    const log = { ...quiet, info: (message: string) => void said.push(message) };

    await runMigrations(await database.source(), { appRole: 'nobody-here', log });
    await runMigrations(await database.source(), { appRole: 'auth_owner', log });

    expect(said).toEqual([
      'No rights granted to nobody-here: the role does not exist',
      'No rights granted to auth_owner: it is the migrating role',
    ]);
  });
});

/** The month `ahead` of this one as partitions are named after it, `202611`. */
function month(ahead: number): string {
  const now = new Date();
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1));
  return first.toISOString().slice(0, 7).replace('-', '');
}
