import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { newBlock, pump } from '../support/block.ts';
import { countReasons, refusalOf, settle } from '../support/client.ts';
import type { Clients } from '../support/client.ts';
import { newAddress, newNumber, prove } from '../support/person.ts';

/** Ten messages a day to a country, three of which are kept. */
const TEN_A_DAY = { FRAUD_SPEND_PER_COUNTRY_DAY: '1', FRAUD_PRICE: '0.10' };
const apps: TestApp[] = [];

afterAll(async () => {
  for (const app of apps) await app.stop();
});

describe('the budget of a country', () => {
  test('keeps 30 % for logins of existing accounts, and refuses those too when it is spent', async () => {
    const app = await start(TEN_A_DAY);
    const person = await personAt(app);
    const strangers = await ask(app, 7);
    expect(countReasons(strangers)).toEqual({ OK: 6, RATE_LIMITED: 1 });

    const refusals = [
      refusalOf(login(app, newNumber())),
      refusalOf(register(app, person.phone)),
      refusalOf(register(app, newNumber())),
    ];
    for (const refusal of await Promise.all(refusals)) {
      expect(refusal).toMatchObject({ code: 8, metadata: { limit: 'sends_per_country' } });
      expect(refusal.retryDelayMs).toBeLessThanOrEqual(86_400_000);
    }
    await login(app, person.phone);
    await passPhoneTime(app);
    await login(app, person.phone);
    await passPhoneTime(app);
    await login(app, person.phone);
    await passPhoneTime(app);
    const last = await refusalOf(login(app, person.phone));
    expect(last).toMatchObject({ metadata: { limit: 'sends_per_country' } });
    expect(await reasons(app)).toEqual(['country_day', 'country_reserve']);
    expect(await spent(app, 'FR')).toBe(1_000_000);
  });

  test('keeps its rest for known addresses alone where the operator says so', async () => {
    const app = await start({ ...TEN_A_DAY, FRAUD_RESERVE_FOR: 'known_addresses' });
    const person = await personAt(app);
    await ask(app, 7);

    const answers = [person.phone, newNumber()].map((phone) => refusalOf(login(app, phone)));
    const [known, unknown] = await Promise.all(answers);
    expect(known?.metadata).toEqual(unknown?.metadata);
    expect(known?.reason).toBe('RATE_LIMITED');
    await person.clients.auth.requestLoginVerification({ phoneNumber: person.phone });
  });

  test('has a price and a cap of its own where they are set', async () => {
    const app = await start({
      ...TEN_A_DAY,
      FRAUD_PRICES: 'FR:0.35,BE:0.01',
      FRAUD_SPEND_CAPS: 'BE:0.03',
      FRAUD_RESERVE_PERCENT: '0',
    });
    const belgians = ['+32470123450', '+32470123451', '+32470123452', '+32470123453'];
    const outcomes = [];
    for (const phone of belgians) outcomes.push(await settle(register(app, phone)));

    expect(countReasons(outcomes)).toEqual({ OK: 3, RATE_LIMITED: 1 });
    expect(countReasons(await ask(app, 3))).toEqual({ OK: 2, RATE_LIMITED: 1 });
    expect([await spent(app, 'BE'), await spent(app, 'FR')]).toEqual([30_000, 700_000]);
  });

  test('has an hour as well, whose rest is kept too', async () => {
    const app = await start({ FRAUD_SENDS_PER_COUNTRY_HOUR: '10' });
    const person = await personAt(app);
    expect(countReasons(await ask(app, 7))).toEqual({ OK: 6, RATE_LIMITED: 1 });

    await login(app, person.phone);
    const { retryDelayMs } = await refusalOf(register(app, newNumber()));
    expect(retryDelayMs).toBeLessThanOrEqual(3_600_000);
  });

  test('gets back what a send took that reached no provider, once', async () => {
    const app = await start(TEN_A_DAY);
    app.inbox.setBroken(true);
    const outcomes = await ask(app, 12);
    app.inbox.setBroken(false);

    expect(countReasons(outcomes)).toEqual({ SMS_UNAVAILABLE: 12 });
    expect(await spent(app, 'FR')).toBe(0);
    expect(await decisions(app)).toEqual({ returned: 12 });
    expect(countReasons(await ask(app, 8))).toEqual({ OK: 7, RATE_LIMITED: 1 });
  });

  test('never gets back what was paid for a code that somebody entered', async () => {
    const app = await start(TEN_A_DAY);
    await prove(app, 'register');
    const [row] = await app.sql<{ id: string }>('SELECT id FROM fraud_sends');
    await app.sql('SELECT return_spend($1)', [row?.id]);
    expect(await spent(app, 'FR')).toBe(100_000);
  });
});

describe('a guard that only records', () => {
  test('refuses nothing and keeps what it would have refused', async () => {
    const app = await start({ ...TEN_A_DAY, FRAUD_MODE: 'record' });
    expect(countReasons(await ask(app, 12))).toEqual({ OK: 12 });
    expect(countReasons(await pump(app, newBlock(), { count: 22 }))).toEqual({ OK: 22 });

    expect(await decisions(app)).toEqual({ sent: 7, flagged: 27 });
    expect(await reasons(app)).toEqual(['country_day', 'country_reserve', 'prefix']);
    const audited = await app.sql(`SELECT 1 FROM audit_events WHERE type = 'verification.refused'`);
    expect(audited).toEqual([]);
  });
});

describe('a number of a country or kind that gets no codes', () => {
  test('is refused in every mode, and recorded with its reason', async () => {
    const app = await start({ SMS_COUNTRIES: 'FR', FRAUD_MODE: 'record' });
    for (const phoneNumber of ['+32470123450', '+33899123456']) {
      expect((await refusalOf(register(app, phoneNumber))).reason).toBe('NUMBER_REFUSED');
    }
    const events = await app.sql(
      `SELECT reason, details->>'reason' AS why, details->>'country' AS country FROM audit_events
        WHERE type = 'verification.refused' ORDER BY created_at`,
    );
    expect(events).toEqual([
      { reason: 'NUMBER_REFUSED', why: 'number_country', country: 'BE' },
      { reason: 'NUMBER_REFUSED', why: 'number_kind', country: 'FR' },
    ]);
  });

  test('fills the audit log no faster than its address may ask', async () => {
    const app = await start({ VERIFICATION_CEILING_PER_ADDRESS_HOUR: '5' });
    const { auth } = app.clientsAt(newAddress());
    const outcomes = [];
    for (let asked = 0; asked < 8; asked += 1) {
      const call = auth.requestRegisterVerification({ phoneNumber: '+33899123456' });
      outcomes.push(await settle(call));
    }
    expect(countReasons(outcomes)).toEqual({ NUMBER_REFUSED: 5, RATE_LIMITED: 3 });
  });
});

async function start(settings: Record<string, string>): Promise<TestApp> {
  const app = await startApp(settings);
  apps.push(app);
  return app;
}

/** An account and the address that it was made from: one verified send. */
async function personAt(app: TestApp): Promise<{ phone: string; clients: Clients }> {
  const clients = app.clientsAt(newAddress());
  const { phone, verificationId } = await prove(app, 'register', { clients });
  await clients.auth.register({ verificationId, deviceId: randomUUID(), deviceType: 'ios' });
  return { phone, clients };
}

async function ask(app: TestApp, count: number) {
  const outcomes = [];
  for (let asked = 0; asked < count; asked += 1) {
    outcomes.push(await settle(register(app, newNumber())));
  }
  return outcomes;
}

function register(app: TestApp, phoneNumber: string) {
  return app.clientsAt(newAddress()).auth.requestRegisterVerification({ phoneNumber });
}

function login(app: TestApp, phoneNumber: string) {
  return app.clientsAt(newAddress()).auth.requestLoginVerification({ phoneNumber });
}

async function passPhoneTime(app: TestApp): Promise<void> {
  await app.sql(`UPDATE phone_attempts SET created_at = created_at - interval '10 minutes'`);
}

async function spent(app: TestApp, country: string): Promise<number> {
  const [row] = await app.sql<{ spent: string }>(
    'SELECT sum(spent) AS spent FROM spend_counters WHERE country = $1',
    [country],
  );
  return Number(row?.spent ?? 0);
}

async function decisions(app: TestApp): Promise<Record<string, number>> {
  const rows = await app.sql<{ decision: string; count: number }>(
    'SELECT decision, count(*)::int AS count FROM fraud_sends GROUP BY decision',
  );
  return Object.fromEntries(rows.map(({ decision, count }) => [decision, count]));
}

async function reasons(app: TestApp): Promise<string[]> {
  const rows = await app.sql<{ reason: string }>(
    'SELECT DISTINCT reason FROM fraud_sends WHERE reason IS NOT NULL ORDER BY reason',
  );
  return rows.map(({ reason }) => reason);
}
