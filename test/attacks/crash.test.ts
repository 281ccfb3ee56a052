import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, createClients, settle } from '../support/client.ts';
import { legacyBundle, prove, registerPerson, signIn } from '../support/person.ts';
import { connectionAs } from '../support/postgres.ts';
import { eventually } from '../support/private-stores.ts';
import { startServiceProcess } from '../support/process.ts';

let app: TestApp;
let holder: pg.Client;

beforeAll(async () => {
  app = await startApp();
  const database = app.settings['DB_NAME'] ?? '';
  holder = new pg.Client(connectionAs('superuser', Number(app.settings['DB_PORT']), database));
  await holder.connect();
});
afterAll(async () => {
  await holder.end();
  await app.stop();
});

/**
 * Runs `crash` while `call` stands in the middle of its transaction: everything before the outbox is
 * written, and the lock on `table` keeps the rest waiting.
 */
async function inMidTransaction(
  table: string,
  call: () => Promise<unknown>,
  crash: () => Promise<unknown>,
): Promise<void> {
  await holder.query('BEGIN');
  try {
    await holder.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    const ending = settle(call());
    await eventually(waiting, (pids) => pids.length > 0);
    await crash();
    await ending;
  } finally {
    await holder.query('ROLLBACK');
  }
  await eventually(openTransactions, (count) => count === 0);
}

async function waiting(): Promise<number[]> {
  const rows = await app.sql<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows.map(({ pid }) => pid);
}

async function openTransactions(): Promise<number> {
  const [row] = await app.sql<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity
      WHERE datname = current_database() AND state LIKE '%transaction%'`,
  );
  return row?.count ?? 0;
}

async function cutConnections(): Promise<void> {
  for (const pid of await waiting()) await app.sql('SELECT pg_terminate_backend($1)', [pid]);
}

/** How many rows there are of everything that a registration writes. */
async function written(phone: string): Promise<unknown> {
  const [row] = await app.sql(
    `SELECT (SELECT count(*)::int FROM users_auth WHERE phone_number = $1) AS accounts,
            (SELECT count(*)::int FROM devices) AS devices,
            (SELECT count(*)::int FROM sessions) AS sessions,
            (SELECT count(*)::int FROM identity_keys) AS identities,
            (SELECT count(*)::int FROM prekeys) AS prekeys,
            (SELECT count(*)::int FROM login_history) AS history,
            (SELECT count(*)::int FROM consumed_verifications) AS consumed,
            (SELECT count(*)::int FROM outbox) AS outbox,
            (SELECT count(*)::int FROM audit_events) AS audit`,
    [phone],
  );
  return row;
}

function entryOf(verificationId: string) {
  const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
  return { ...device, signalKeyBundle: legacyBundle() };
}

// Accounts without a device, devices without keys, users that only one service knew: what a registration
// leaves that writes in several steps.
describe('a registration', () => {
  test.each(['outbox', 'login_history', 'prekeys', 'consumed_verifications', 'sessions'])(
    'whose connection is cut at %s leaves nothing, and its verification can still be used',
    async (table) => {
      const { phone, verificationId } = await prove(app, 'register');
      const before = await written(phone);
      const entry = entryOf(verificationId);
      await inMidTransaction(table, () => app.clients.auth.register(entry), cutConnections);
      expect(await written(phone)).toEqual(before);
      await app.clients.auth.register(entry);
      expect(await written(phone)).toMatchObject({ accounts: 1 });
    },
  );

  test('whose process is killed leaves nothing, and another replica completes it', async () => {
    const service = await startServiceProcess(app.settings);
    const { auth } = createClients(service.grpcPort);
    const { phone, verificationId } = await prove(app, 'register');
    const before = await written(phone);
    const entry = entryOf(verificationId);
    await inMidTransaction(
      'outbox',
      () => auth.register(entry),
      async () => {
        await service.end('SIGKILL');
        await cutConnections();
      },
    );
    expect(await written(phone)).toEqual(before);
    const { accessToken } = await app.clients.auth.register(entry);
    await app.clients.device.listDevices({}, bearer(accessToken));
  });
});

test('a login that is cut in the middle opens no session, and its verification can still be used', async () => {
  const person = await registerPerson(app);
  const { verificationId } = await prove(app, 'login', { phone: person.phone });
  const before = await written(person.phone);
  const entry = entryOf(verificationId);
  await inMidTransaction('login_history', () => app.clients.auth.login(entry), cutConnections);
  expect(await written(person.phone)).toEqual(before);
  await app.clients.auth.login(entry);
});

// A connection that ends between two statements has nobody waiting on it; in Node that may end the process.
test('a process whose connections are all cut in mid-transaction goes on serving', async () => {
  const service = await startServiceProcess(app.settings);
  const { auth, ops } = createClients(service.grpcPort);
  const { verificationId } = await prove(app, 'register');
  const entry = entryOf(verificationId);
  await inMidTransaction('outbox', () => auth.register(entry), cutConnections);
  expect((await ops.getLiveness({})).status).toBe('live');
  await auth.register(entry);
  expect(await service.end('SIGTERM')).toBe(0);
});

// The other way round: an answer that was lost must not be a second account or a dead number.
test('a registration whose answer was lost is a login away', async () => {
  const { phone, verificationId } = await prove(app, 'register');
  const abandoned = new AbortController();
  const call = app.clients.auth.register(entryOf(verificationId), { signal: abandoned.signal });
  setTimeout(() => abandoned.abort(), 5);
  await settle(call);
  await eventually(openTransactions, (count) => count === 0);
  const retry = await settle(app.clients.auth.register(entryOf(verificationId)));
  if (retry.status === 'refused') expect(retry.refusal.reason).toBe('VERIFICATION_SPENT');
  expect(await written(phone)).toMatchObject({ accounts: 1 });
  await signIn(app, phone);
});
