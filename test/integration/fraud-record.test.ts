import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { deleteOldSends, unlinkSends } from '../../src/fraud/store.ts';
import { Database } from '../../src/platform/postgres.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { newBlock, pump } from '../support/block.ts';
import { connectionAs } from '../support/postgres.ts';

let app: TestApp;
let pool: pg.Pool;
let db: Database;

beforeAll(async () => {
  app = await startApp();
  const { DB_PORT, DB_NAME = '' } = app.settings;
  pool = new pg.Pool(connectionAs('auth_app', Number(DB_PORT), DB_NAME));
  db = new Database(pool, { prepared: true });
});
afterAll(async () => {
  await pool.end();
  await app.stop();
});

beforeEach(async () => {
  await app.sql('TRUNCATE fraud_sends, fraud_prefixes, spend_counters');
});

describe('the record of sends', () => {
  test('loses its tie to numbers after two days, and keeps what belongs together', async () => {
    const block = newBlock();
    const address = '198.18.7.7';
    await pump(app, block, { count: 3, address: () => address });
    const before = await keys();
    await unlinkSends(db);
    expect(await keys()).toEqual(before);

    await age('3 days');
    await unlinkSends(db);
    const after = await keys();
    expect(new Set(after.map((row) => row.address)).size).toBe(1);
    expect(new Set(after.map((row) => row.phone)).size).toBe(3);
    const known = before.flatMap(({ address: of, phone }) => [of, phone]);
    expect(
      after.filter(({ address: of, phone }) => known.includes(of) || known.includes(phone)),
    ).toEqual([]);
    await unlinkSends(db);
    expect(await keys()).toEqual(after);
  });

  test('is forgotten after its days, with its counters and the blocks that ended', async () => {
    await pump(app, newBlock(), { count: 21 });
    await deleteOldSends(db, 30);
    expect(await counts()).toEqual({ sends: 21, counters: 1, prefixes: 1 });

    await age('29 days');
    await deleteOldSends(db, 30);
    expect(await counts()).toEqual({ sends: 21, counters: 1, prefixes: 0 });
    await age('3 days');
    await deleteOldSends(db, 30);
    expect(await counts()).toEqual({ sends: 0, counters: 0, prefixes: 0 });
  });
});

function keys() {
  return app.sql<{ phone: string; address: string }>(
    `SELECT encode(phone_key, 'hex') AS phone, encode(address_key, 'hex') AS address
       FROM fraud_sends ORDER BY created_at, id`,
  );
}

async function counts() {
  const [row] = await app.sql(
    `SELECT (SELECT count(*)::int FROM fraud_sends) AS sends,
            (SELECT count(*)::int FROM spend_counters) AS counters,
            (SELECT count(*)::int FROM fraud_prefixes) AS prefixes`,
  );
  return row;
}

async function age(duration: string): Promise<void> {
  await app.sql('UPDATE fraud_sends SET created_at = created_at - $1::interval', [duration]);
  await app.sql('UPDATE fraud_prefixes SET blocked_until = blocked_until - $1::interval', [
    duration,
  ]);
  await app.sql('UPDATE spend_counters SET day = (day - $1::interval)::date', [duration]);
}
