import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Client } from 'pg';
import { runMigrations } from '../../src/db/run-migrations.ts';
import { options, startTrialServer } from './trial-server.ts';
import type { TrialDatabase, TrialServer } from './trial-server.ts';

interface Attempt {
  readonly refusal: string | null;
  readonly wait_seconds: number | null;
}

interface Caller {
  readonly address?: string;
  readonly isKnown?: boolean;
  readonly hasSecondFactor?: boolean;
}

const PHONE = Buffer.from('phone');
const GRANTED = { refusal: null, wait_seconds: null };
const LIMITS = JSON.stringify({
  numberHour: 5,
  numberDay: 10,
  hardDay: 20,
  verifiedDay: 10,
  addressHour: 3,
  addressDay: 5,
  reserveSends: 2,
  refusingFailures: 100,
  cooldownSeconds: [30, 60, 120, 300],
  numberChecksDay: 15,
  addressChecksDay: 8,
  reserveChecks: 5,
  waitFromFailures: 10,
});

describe('the phone limits in SQL', () => {
  let server: TrialServer;
  let database: TrialDatabase;

  beforeAll(async () => {
    server = await startTrialServer();
    database = await server.database();
    await runMigrations(await database.source(), options);
  }, 60_000);

  afterAll(() => server.close());

  beforeEach(async () => {
    await run('DELETE FROM phone_attempts');
    await run('DELETE FROM phone_counters');
  });

  test('make an address wait 30, 60 and then 120 seconds', async () => {
    const waits: (number | null)[] = [];
    for (let sent = 1; sent <= 3; sent += 1) {
      expect(await send()).toEqual(GRANTED);
      waits.push((await send()).wait_seconds);
      await age('5 minutes');
    }

    expect(waits).toEqual([30, 60, 120]);
  });

  test('give an address three sends an hour and five a day', async () => {
    const outcomes = await sends(4, '5 minutes');
    await age('1 hour');
    outcomes.push(...(await sends(3, '10 minutes')));

    expect(outcomes.map(({ refusal }) => refusal)).toEqual([
      ...[null, null, null, 'address'],
      ...[null, null, 'address'],
    ]);
    expect(outcomes[3]?.wait_seconds).toBe(45 * 60);
  });

  test('keep a number at its cap, yet give a first-seen address one send', async () => {
    for (const address of ['a', 'b']) await sends(3, '5 minutes', { address });

    expect(await send({ address: 'a' })).toMatchObject({ refusal: 'address' });
    expect(await send({ address: 'new' })).toEqual(GRANTED);
    await age('5 minutes');
    expect(await send({ address: 'new' })).toMatchObject({ refusal: 'number' });
  });

  test('keep two more sends for an address that signed in before', async () => {
    const outcomes = await sends(6, '5 minutes', { isKnown: true });

    expect(outcomes.map(({ refusal }) => refusal)).toEqual([
      null,
      null,
      null,
      null,
      null,
      'address',
    ]);
  });

  test('do not count a send that was verified, and start the cool-down anew', async () => {
    for (let signIn = 1; signIn <= 8; signIn += 1) {
      const id = randomUUID();
      expect(await send({}, id)).toEqual(GRANTED);
      await settle(id);
    }

    expect(await send()).toEqual(GRANTED);
    expect(await send()).toMatchObject({ refusal: 'cooldown', wait_seconds: 30 });
  });

  test('count verified sends from the eleventh of a day on', async () => {
    for (let signIn = 1; signIn <= 13; signIn += 1) {
      const id = randomUUID();
      expect(await send({}, id)).toEqual(GRANTED);
      await settle(id);
    }

    expect(await send()).toMatchObject({ refusal: 'address' });
  });

  test('never send more than 20 unverified codes a day, whoever asks', async () => {
    const outcomes = await inParallel(64, (index) => send({ address: `address ${index}` }));

    expect(outcomes.filter(({ refusal }) => refusal === null)).toHaveLength(20);
    expect(await send({ isKnown: true })).toMatchObject({ refusal: 'number_hard_day' });
  });

  test('grant one of 64 parallel sends of one address', async () => {
    const outcomes = await inParallel(64, () => send());

    expect(outcomes.filter(({ refusal }) => refusal === null)).toHaveLength(1);
  });

  test('refuse strangers after 100 misses, but one send a day without a second factor', async () => {
    await run(`INSERT INTO phone_counters (phone_key, failures) VALUES ('phone', 100)`);
    const refusing = { refusal: 'factor_refusing', wait_seconds: 86_400 };

    expect(await send({ hasSecondFactor: true })).toEqual(refusing);
    expect(await send()).toEqual(GRANTED);
    expect(await send({ address: 'other' })).toMatchObject({ refusal: 'factor_refusing' });
    expect(await send({ address: 'home', isKnown: true, hasSecondFactor: true })).toEqual(GRANTED);
  });

  test('give an address eight misses a day, and five more if it signed in before', async () => {
    const outcomes: Attempt[] = [];
    for (let miss = 1; miss <= 9; miss += 1) outcomes.push(await check());

    expect(outcomes.slice(0, 8)).toEqual(Array(8).fill(GRANTED));
    expect(outcomes[8]).toEqual({ refusal: 'address', wait_seconds: 86_400 });
    for (let miss = 1; miss <= 5; miss += 1)
      expect(await check({ isKnown: true })).toEqual(GRANTED);
    expect(await check({ isKnown: true })).toMatchObject({ refusal: expect.any(String) });
  });

  test('make a number wait from its tenth miss on, longer each time, up to a day', async () => {
    const waits: (number | null)[] = [];
    for (const failures of [9, 10, 11, 19, 20, 500]) {
      await run('DELETE FROM phone_attempts');
      await run('DELETE FROM phone_counters');
      await run(`INSERT INTO phone_counters (phone_key, failures) VALUES ('phone', ${failures})`);
      expect(await check()).toEqual(GRANTED);
      waits.push((await check()).wait_seconds);
    }

    expect(waits).toEqual([60, 120, 240, 61_440, 86_400, 86_400]);
  });

  test('forget the misses when a code is right', async () => {
    for (let miss = 1; miss <= 7; miss += 1) await check();
    await settle(randomUUID());

    const { rows } = await run('SELECT failures, failing_until FROM phone_counters');
    expect(rows).toEqual([{ failures: 0, failing_until: null }]);
  });

  test('admit exactly ten of 64 parallel misses from 64 addresses', async () => {
    const outcomes = await inParallel(64, (index) => check({ address: `address ${index}` }));

    expect(outcomes.filter(({ refusal }) => refusal === null)).toHaveLength(10);
  });

  async function send(caller: Caller = {}, id: string = randomUUID()): Promise<Attempt> {
    const { address = 'address', isKnown = false, hasSecondFactor = false } = caller;
    return attempt('SELECT refusal, wait_seconds FROM take_send($1, $2, $3, $4, $5, $6)', [
      ...[PHONE, Buffer.from(address), id, isKnown],
      ...[hasSecondFactor, LIMITS],
    ]);
  }

  async function sends(count: number, apart: string, caller?: Caller): Promise<Attempt[]> {
    const outcomes: Attempt[] = [];
    for (let sent = 1; sent <= count; sent += 1) {
      outcomes.push(await send(caller));
      await age(apart);
    }
    return outcomes;
  }

  async function check({ address = 'address', isKnown = false }: Caller = {}): Promise<Attempt> {
    return attempt('SELECT refusal, wait_seconds FROM take_check($1, $2, $3, $4, $5)', [
      ...[PHONE, Buffer.from(address), randomUUID(), isKnown, LIMITS],
    ]);
  }

  async function settle(sendId: string): Promise<void> {
    const checkId = randomUUID();
    await run('SELECT take_check($1, $2, $3, false, $4)', [
      ...[PHONE, Buffer.from('address'), checkId, LIMITS],
    ]);
    await run('SELECT settle_check($1, $2, $3)', [PHONE, checkId, sendId]);
  }

  async function age(interval: string): Promise<void> {
    await run('UPDATE phone_attempts SET created_at = created_at - $1::interval', [interval]);
  }

  async function attempt(text: string, values: unknown[]): Promise<Attempt> {
    const outcome = await database.as('auth_app', async (client: Client) => {
      const { rows } = await client.query<Attempt>(text, values);
      return rows[0];
    });
    if (outcome === undefined) throw new Error('the function answered nothing');
    return { ...outcome, wait_seconds: inFiveSecondSteps(outcome.wait_seconds) };
  }

  function run(text: string, values: unknown[] = []) {
    return database.as('auth_app', (client) => client.query(text, values));
  }
});

/** Up to the next 5 s: some time passes between an attempt and the question. */
function inFiveSecondSteps(seconds: number | null): number | null {
  return seconds === null ? null : Math.ceil(seconds / 5) * 5;
}

function inParallel<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => work(index)));
}
