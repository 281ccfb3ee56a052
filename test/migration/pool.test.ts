import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { poolOf } from '../../src/db/data-source.ts';
import { startTrialServer } from './trial-server.ts';
import type { TrialServer } from './trial-server.ts';

describe('the connection pool', () => {
  let server: TrialServer;

  beforeAll(async () => {
    server = await startTrialServer();
  }, 60_000);

  afterAll(() => server.close());

  test('outlives the loss of an idle connection and opens another one', async () => {
    const database = await server.database();
    const pool = poolOf(await database.source());
    const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const lost = once(pool, 'error');

    await database.as('auth_owner', (client) =>
      client.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]),
    );
    await expect(lost).resolves.toHaveLength(2);

    await expect(pool.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 });
  });
});
