import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { SERVICE_TEST_TOKEN, startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { registerPerson } from '../support/person.ts';
import { connectionAs } from '../support/postgres.ts';
import { eventually } from '../support/private-stores.ts';

const asService = { headers: { 'x-test-caller': SERVICE_TEST_TOKEN } };
const LATER = 1_000;
const HELD_MS = 2_000;
let app: TestApp;

beforeAll(async () => {
  app = await startApp({ VERIFICATION_COOLDOWN_SECONDS: '0' });
});
afterAll(() => app.stop());

interface Watcher {
  /** Sessions in the order in which they were told. */
  readonly told: string[];
  cursor: string;
  readonly stop: () => void;
  ended: Promise<void>;
}

describe('a watch of revocations', () => {
  test('tells of a logout within a second', async () => {
    const person = await registerPerson(app);
    const watcher = watch(app, '');
    await app.clients.auth.logout({}, bearer(person.accessToken));
    const loggedOutAt = Date.now();
    await eventually(
      () => Promise.resolve(watcher.told),
      (told) => told.includes(person.sessionId),
    );
    expect(Date.now() - loggedOutAt).toBeLessThan(1_000);
    watcher.stop();
    await watcher.ended;
  });

  test('loses nothing while a writer is held open, the watcher is killed and moves to another replica', async () => {
    const replica = await app.replica();
    const writer = await openWriter(app);
    await writer.query('BEGIN');
    const early = randomUUID();
    await insertRevocations(writer, [early]);

    const later = Array.from({ length: LATER }, () => randomUUID());
    const first = watch(app, '');
    for (const id of later.slice(0, LATER / 2)) await app.sql(INSERT, [[id]]);
    await eventually(
      () => Promise.resolve(first.told.length),
      (count) => count >= LATER / 2,
    );
    first.stop();
    await first.ended;

    const second = watch(replica, first.cursor);
    for (const id of later.slice(LATER / 2)) await app.sql(INSERT, [[id]]);
    await new Promise((resolve) => setTimeout(resolve, HELD_MS));
    await writer.query('COMMIT');
    await writer.end();

    await eventually(
      () => Promise.resolve(new Set(second.told)),
      (told) => told.has(early) && later.slice(LATER / 2).every((id) => told.has(id)),
    );
    const heard = new Set([...first.told, ...second.told]);
    expect([early, ...later].filter((id) => !heard.has(id))).toEqual([]);
    second.stop();
    await second.ended;
    await replica.stop();
  });

  test('a plain id cursor would have skipped the row that was held', async () => {
    const writer = await openWriter(app);
    await writer.query('BEGIN');
    const held = randomUUID();
    await insertRevocations(writer, [held]);
    await app.sql(INSERT, [[randomUUID()]]);
    const seen = await app.sql<{ id: string }>('SELECT max(id) AS id FROM revocations');
    await writer.query('COMMIT');
    await writer.end();
    const after = await app.sql('SELECT 1 FROM revocations WHERE session_id = $1 AND id > $2', [
      held,
      seen[0]?.id,
    ]);
    expect(after).toEqual([]);
  });

  test.each(['nonsense', 'cmV2b2NhdGlvbnMKeAp5Cno'])('refuses the cursor %p', async (cursor) => {
    const listed = app.clients.auth.listRevocations({ cursor }, asService);
    expect((await refusalOf(listed)).reason).toBe('CURSOR_INVALID');
  });

  test('ends when the replica stops, and asks to come back', async () => {
    const replica = await app.replica();
    const watcher = watch(replica, '');
    await eventually(
      () => Promise.resolve(watcher.told.length),
      (count) => count > 0,
    );
    const startedAt = Date.now();
    await replica.stop();
    const { reason } = await refusalOf(watcher.ended);
    expect(reason).toBe('SHUTTING_DOWN');
    expect(Date.now() - startedAt).toBeLessThan(4_000);
  });
});

test('a list of revocations resumes page by page', async () => {
  const ids = Array.from({ length: 25 }, () => randomUUID());
  await app.sql(INSERT, [ids]);
  const told = new Set<string>();
  let cursor = '';
  for (let hasMore = true; hasMore;) {
    const page = await app.clients.auth.listRevocations({ cursor, pageSize: 400 }, asService);
    for (const { sessionId } of page.revocations) told.add(sessionId);
    ({ hasMore, nextCursor: cursor } = page);
  }
  expect(ids.filter((id) => !told.has(id))).toEqual([]);
});

const INSERT = `INSERT INTO revocations (session_id, user_id, device_id, reason, expires_at)
  SELECT id, id, id, 'logout', now() + interval '10 minutes' FROM unnest($1::uuid[]) AS given (id)`;

async function insertRevocations(client: pg.Client, ids: string[]): Promise<void> {
  await client.query(INSERT, [ids]);
}

async function openWriter(of: TestApp): Promise<pg.Client> {
  const { DB_PORT, DB_NAME = '' } = of.settings;
  const client = new pg.Client(connectionAs('superuser', Number(DB_PORT), DB_NAME));
  await client.connect();
  return client;
}

function watch(of: TestApp, from: string): Watcher {
  const abort = new AbortController();
  const told: string[] = [];
  const stop = () => {
    abort.abort();
  };
  const watcher: Watcher = { told, cursor: from, stop, ended: Promise.resolve() };
  const options = { ...asService, signal: abort.signal };
  const follow = async () => {
    for await (const message of of.clients.auth.watchRevocations({ cursor: from }, options)) {
      if (message.revocation) told.push(message.revocation.sessionId);
      watcher.cursor = message.cursor;
    }
  };
  watcher.ended = follow().catch((error: unknown) => {
    if (!abort.signal.aborted) throw error;
  });
  watcher.ended.catch(() => undefined);
  return watcher;
}
