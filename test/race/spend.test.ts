import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { newBlock } from '../support/block.ts';
import { countReasons, settle, together } from '../support/client.ts';
import { newAddress, newNumber, prove } from '../support/person.ts';

const CALLERS = 64;
let app: TestApp;

beforeAll(async () => {
  app = await startApp({
    FRAUD_PRICES: 'FR:0.08,BE:0.07,DE:0.07',
    FRAUD_SPEND_CAPS: 'BE:2.10,DE:2.10',
    FRAUD_SENDS_PER_COUNTRY_HOUR: '100000',
    FRAUD_PREFIX_MIN_SENDS: '20',
  });
});
afterAll(() => app.stop());

describe('64 parallel sends', () => {
  test('never cost a country more than its cap, less what is kept for logins', async () => {
    const outcomes = await together(CALLERS, () => register(belgian()));

    // 70 % of 2.10 pays for 21 messages at 0.07.
    expect(countReasons(outcomes)).toEqual({ OK: 21, RATE_LIMITED: CALLERS - 21 });
    expect(await spent('BE')).toBe(21 * 70_000);
  });

  test('to one prefix that nobody answers stop at the 20th, to the send', async () => {
    const block = newBlock();
    const outcomes = await together(CALLERS, (index) => register(block.number(index)));

    expect(countReasons(outcomes)).toEqual({ OK: 20, RATE_LIMITED: CALLERS - 20 });
    const sent = Array.from({ length: CALLERS }, (_, index) =>
      app.inbox.count(block.number(index)),
    ).reduce((sum, count) => sum + count, 0);
    expect(sent).toBe(20);
    const [row] = await app.sql('SELECT block_seconds FROM fraud_prefixes WHERE prefix = $1', [
      block.prefix,
    ]);
    expect(row).toEqual({ block_seconds: 3_600 });
  });

  test('whose messages no provider takes leave the budget as it was', async () => {
    const before = await spent('FR');
    app.inbox.setBroken(true);
    const outcomes = await together(CALLERS, () => register(newNumber()));
    app.inbox.setBroken(false);

    expect(countReasons(outcomes)).toEqual({ SMS_UNAVAILABLE: CALLERS });
    expect(await spent('FR')).toBe(before);
  });

  test('mixed with returns and right codes add up to what was kept', async () => {
    const outcomes = await together(CALLERS, (index) =>
      index % 4 === 0 ? prove(app, 'register').then(() => ({})) : register(newNumber()),
    );
    const rows = await app.sql<{ id: string; price: string }>(
      `SELECT id FROM fraud_sends WHERE country = 'FR' AND decision = 'sent' AND verified_at IS NULL`,
    );
    const returned = rows.slice(0, 20);
    await Promise.all(
      returned.flatMap(({ id }) => [
        app.sql('SELECT return_spend($1)', [id]),
        app.sql('SELECT return_spend($1)', [id]),
      ]),
    );

    expect(countReasons(outcomes)).toEqual({ OK: CALLERS });
    const [kept] = await app.sql<{ sum: string }>(
      `SELECT sum(price) FROM fraud_sends WHERE country = 'FR' AND decision IN ('sent', 'flagged')`,
    );
    expect(await spent('FR')).toBe(Number(kept?.sum));
  });

  test('of many prefixes and countries at once wait for each other in no circle', async () => {
    const blocks = [newBlock(), newBlock(), newBlock()];
    const outcomes = await together(CALLERS, (index) =>
      settle(
        index % 2 === 0 ? register(german()) : register(blocks[index % 3]?.number(index) ?? ''),
      ),
    );

    expect(countReasons(outcomes)).toEqual({ OK: CALLERS });
    const [deadlocks] = await app.sql<{ deadlocks: string }>(
      'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
    );
    expect(Number(deadlocks?.deadlocks)).toBe(0);
  });
});

function register(phoneNumber: string) {
  return app.clientsAt(newAddress()).auth.requestRegisterVerification({ phoneNumber });
}

/** Mobile numbers of many prefixes. */
function belgian(): string {
  return `+3247${randomInt(0, 10)}${randomInt(100_000, 999_999)}`;
}

function german(): string {
  return `+49151${randomInt(20_000_000, 79_999_999)}`;
}

async function spent(country: string): Promise<number> {
  const [row] = await app.sql<{ spent: string }>(
    'SELECT sum(spent) AS spent FROM spend_counters WHERE country = $1',
    [country],
  );
  return Number(row?.spent ?? 0);
}
