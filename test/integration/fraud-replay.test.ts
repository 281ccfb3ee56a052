import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { judgeBy } from '../../src/fraud/judge.ts';
import type { JudgedSend } from '../../src/fraud/judge.ts';
import { runCommand } from '../../src/commands.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { newBlock, pump } from '../support/block.ts';
import { prove } from '../support/person.ts';

const THRESHOLDS = {
  windowSeconds: 600,
  minSends: 4,
  minConversionPercent: 50,
  share: 2,
  blockSeconds: 900,
  blockMaxSeconds: 3_000,
  sendsPerHour: 1_000,
  reservePercent: 30,
};
const SPEND_PER_DAY = 120;
/** Noon, so that no generated run crosses into another day. */
const START_MS = Date.UTC(2026, 10, 23, 12);
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

beforeEach(async () => {
  await app.sql('TRUNCATE fraud_sends, fraud_prefixes, spend_counters');
});

interface Step {
  readonly waitSeconds: number;
  readonly prefix: string;
  readonly phone: number;
  readonly address: number;
  readonly isVerified: boolean;
  readonly isTrusted: boolean;
  readonly hasReserve: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  waitSeconds: fc.constantFrom(0, 1, 30, 300, 600, 900),
  prefix: fc.constantFrom('+33612', '+33613'),
  phone: fc.nat(5),
  address: fc.nat(5),
  isVerified: fc.boolean(),
  isTrusted: fc.boolean(),
  hasReserve: fc.boolean(),
});

describe('the replay', () => {
  test('decides as the database does, whatever comes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        await app.sql('TRUNCATE fraud_sends, fraud_prefixes, spend_counters');
        const judge = judgeBy({ thresholds: THRESHOLDS, spendPerDay: () => SPEND_PER_DAY });
        let atMs = START_MS;
        for (const one of steps) {
          atMs += one.waitSeconds * 1000;
          await passTime(one.waitSeconds);
          expect((await decide(one)) ?? undefined).toBe(judge(judged(one, atMs)));
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('the command replay-fraud', () => {
  test('shows what sharper thresholds would have refused, and whom', async () => {
    const block = newBlock();
    await pump(app, block, { count: 12 });
    await prove(app, 'register', { phone: block.number(500) });

    const own = await inEnvironment(() => runCommand('replay-fraud', []));
    expect(own).toMatch(/^13 recorded sends of the last 30 days/);
    expect(own).toMatch(/^all +13 +0 +0 +0 +0 +0\.00$/m);
    const sharper = await inEnvironment(() =>
      runCommand('replay-fraud', ['--min-sends', '10', '--max-conversion', '0.3']),
    );
    expect(sharper).toMatch(/^all +13 +0 +3 +1 +0 +0\.24$/m);
    expect(sharper).toContain(`prefix ${block.prefix}`);
    expect(sharper).toContain('1 people who entered their code would have been turned away.');
    expect(sharper).not.toContain(block.number(500));
  });

  test('shows what was refused and would pass otherwise', async () => {
    await pump(app, newBlock(), { count: 23 });
    const looser = await inEnvironment(() => runCommand('replay-fraud', ['--min-sends', '100']));
    expect(looser).toMatch(/^all +23 +3 +0 +0 +3 +0\.00$/m);
    expect(looser).toContain('0.24 more would be spent');
  });

  test('says how it is used when it is used in another way', async () => {
    const call = inEnvironment(() => runCommand('replay-fraud', ['--min-sends']));
    await expect(call).rejects.toThrow('usage: main replay-fraud');
  });
});

/** One call as the guard makes it; a code that is entered is entered at once. */
async function decide(one: Step): Promise<string | null> {
  const standing = { trusted: one.isTrusted, reserve: one.hasReserve, forced: false };
  const limits = { ...THRESHOLDS, spendPerDay: SPEND_PER_DAY };
  const [row] = await app.sql<{ refusal: string | null }>(
    `WITH taken AS (
       SELECT gen_random_uuid() AS id)
     SELECT refusal FROM taken, take_spend(taken.id, 'FR', $1, 'MOBILE', 'login',
       decode(lpad($2, 2, '0'), 'hex'), decode(lpad($3, 2, '0'), 'hex'), 10, $4, $5)`,
    [
      one.prefix,
      String(one.phone),
      String(one.address),
      JSON.stringify(standing),
      JSON.stringify(limits),
    ],
  );
  if (row?.refusal === null && one.isVerified) {
    await app.sql(
      `UPDATE fraud_sends SET verified_at = created_at
        WHERE id = (SELECT id FROM fraud_sends ORDER BY created_at DESC, id DESC LIMIT 1)`,
    );
  }
  return row?.refusal ?? null;
}

function judged(one: Step, atMs: number): JudgedSend {
  const { prefix, isTrusted, hasReserve } = one;
  return {
    country: 'FR',
    prefix,
    phoneKey: String(one.phone),
    addressKey: String(one.address),
    price: 10,
    atMs,
    verifiedAtMs: one.isVerified ? atMs : undefined,
    isTrusted,
    hasReserve,
  };
}

async function passTime(seconds: number): Promise<void> {
  if (seconds === 0) return;
  await app.sql(
    `UPDATE fraud_sends SET created_at = created_at - make_interval(secs => $1),
                            verified_at = verified_at - make_interval(secs => $1)`,
    [seconds],
  );
  await app.sql(
    `UPDATE fraud_prefixes SET blocked_until = blocked_until - make_interval(secs => $1)`,
    [seconds],
  );
}

/** Commands read the environment as an operator's shell sets it. */
async function inEnvironment<T>(work: () => Promise<T>): Promise<T> {
  const before = process.env;
  process.env = { ...before, ...app.settings };
  try {
    return await work();
  } finally {
    process.env = before;
  }
}
