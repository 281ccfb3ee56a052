import { describe, expect, test } from '@jest/globals';
import type { FraudPolicy } from './policy.ts';
import { replayOptions } from './replay-options.ts';
import { replayReport } from './replay-report.ts';
import { replay } from './replay.ts';
import type { ReplayRules } from './replay.ts';
import type { RecordedSend } from './store-record.ts';

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 10, 23, 12);

const rules: ReplayRules = {
  thresholds: {
    windowSeconds: 600,
    minSends: 20,
    minConversionPercent: 20,
    share: 5,
    blockSeconds: 3_600,
    blockMaxSeconds: 86_400,
    sendsPerHour: 1_000,
    reservePercent: 30,
  },
  spendPerDay: () => 100_000_000,
  countries: [],
};

/** A send a second to a number of its own from an address of its own. */
function sendAt(second: number, change: Partial<RecordedSend> = {}): RecordedSend {
  return {
    id: String(second),
    country: 'FR',
    prefix: '+3361234',
    purpose: 'register',
    phoneKey: `phone ${second}`,
    addressKey: `address ${second}`,
    price: 50_000,
    decision: 'sent',
    reason: undefined,
    atMs: START_MS + second * 1000,
    verifiedAtMs: undefined,
    ...change,
  };
}

function sends(count: number, change: Partial<RecordedSend> = {}): RecordedSend[] {
  return Array.from({ length: count }, (_, second) => sendAt(second, change));
}

describe('a replay', () => {
  test('refuses a pumped prefix from the threshold on', () => {
    const { total, byReason, byPrefix } = replay(sends(30), rules);

    expect(total).toMatchObject({ sends: 30, refusedThen: 0, refusedNow: 10, saved: 500_000 });
    expect([...byReason.keys()]).toEqual(['prefix']);
    expect(byPrefix.get('+3361234')?.refusedNow).toBe(10);
  });

  test('shows whom a sharper threshold would have turned away', () => {
    const sharper = { ...rules, thresholds: { ...rules.thresholds, minSends: 10 } };
    const traffic = [
      ...sends(12),
      sendAt(100, { verifiedAtMs: START_MS + 130_000 }),
      sendAt(5_000, { verifiedAtMs: START_MS + 5_030_000 }),
    ];

    expect(replay(traffic, rules).total.refusedNow).toBe(0);
    expect(replay(traffic, sharper).total).toMatchObject({ refusedNow: 3, refusedVerified: 1 });
  });

  test('counts a code as entered only after it was', () => {
    const late = sends(30, { verifiedAtMs: START_MS + HOUR_MS });
    const soon = sends(30).map((send) => ({ ...send, verifiedAtMs: send.atMs + 500 }));

    expect(replay(late, rules).total.refusedNow).toBe(10);
    expect(replay(soon, rules).total.refusedNow).toBe(0);
  });

  test('shows what a looser threshold would have let pass, and its price', () => {
    const looser = { ...rules, thresholds: { ...rules.thresholds, minSends: 100 } };
    const traffic = sends(30).map((send, at) =>
      at < 20 ? send : { ...send, decision: 'refused' as const, reason: 'prefix' },
    );

    expect(replay(traffic, rules).total).toMatchObject({ refusedThen: 10, refusedNow: 10 });
    expect(replay(traffic, looser).total).toMatchObject({
      refusedThen: 10,
      refusedNow: 0,
      passedAnew: 10,
      added: 500_000,
    });
  });

  test('keeps the rest of a country for logins, by day and by hour', () => {
    const day = { ...rules, spendPerDay: () => 500_000 };
    const hour = { ...rules, thresholds: { ...rules.thresholds, sendsPerHour: 10 } };
    const logins = Array.from({ length: 5 }, (_, at) =>
      sendAt(100 + at, { purpose: 'login', verifiedAtMs: START_MS + HOUR_MS / 2 }),
    );

    for (const tight of [day, hour]) {
      const { total, byReason } = replay([...sends(9), ...logins], tight);
      expect(total).toMatchObject({ refusedNow: 4, refusedVerified: 2 });
      expect([...byReason.keys()].at(0)).toBe('country_reserve');
    }
    const nextHour = [...sends(7), sendAt(3_600)];
    expect(replay(nextHour, hour).total.refusedNow).toBe(0);
  });

  test('leaves kinds of number refused and tries other countries', () => {
    const kinds = sends(3, { decision: 'refused', reason: 'number_kind' });
    const abroad = sends(3, { country: 'BE', decision: 'refused', reason: 'number_country' });

    expect(replay(kinds, rules).total.refusedNow).toBe(3);
    expect(replay(abroad, rules).total.passedAnew).toBe(3);
    expect(replay(abroad, { ...rules, countries: ['FR'] }).total.refusedNow).toBe(3);
  });
});

describe('the report of a replay', () => {
  test('is a table that ends in the sum of it', () => {
    const report = replayReport(replay(sends(30), rules), 30);

    expect(report.split('\n').slice(0, 7)).toEqual([
      '30 recorded sends of the last 30 days, decided again:',
      '',
      '                 sends  refused then  refused now  of them entered  passed anew  saved',
      'all                 30             0           10                0            0   0.50',
      'reason prefix       10             0           10                0            0   0.50',
      'country FR          30             0           10                0            0   0.50',
      'prefix +3361234     30             0           10                0            0   0.50',
    ]);
    expect(report).toContain('0.50 would not have been spent.');
  });

  test('says so when nothing is recorded', () => {
    expect(replayReport(replay([], rules), 3)).toBe('No sends are recorded for the last 3 days.');
  });
});

describe('the options of a replay', () => {
  const policy: FraudPolicy = {
    mode: 'deny',
    thresholds: rules.thresholds,
    reserveFor: 'accounts',
    prefixTailDigits: 4,
    priceOf: () => 50_000,
    spendPerDay: () => 80_000,
  };
  const own = { policy, countries: ['FR'], recordDays: 30 };

  test('change what they name and leave the rest as it is configured', () => {
    const { days, rules: changed } = replayOptions(
      ['--min-sends', '10', '--max-conversion', '0.3', '--days', '7', '--spend-per-day', '12.5'],
      own,
    );

    expect(days).toBe(7);
    expect(changed.thresholds).toEqual({
      ...rules.thresholds,
      minSends: 10,
      minConversionPercent: 30,
    });
    expect(changed.spendPerDay('FR')).toBe(12_500_000);
    expect(changed.countries).toEqual(['FR']);
    expect(replayOptions([], own)).toMatchObject({ days: 30 });
    expect(replayOptions([], own).rules.spendPerDay('FR')).toBe(80_000);
  });

  test.each([
    [['--min-sends']],
    [['--minsends', '10']],
    [['--min-sends', '0']],
    [['--min-sends', '1e3']],
    [['--max-conversion', '30']],
    [['--spend-per-day', '-1']],
  ])('are refused with the usage: %p', (words) => {
    expect(() => replayOptions(words, own)).toThrow('usage: main replay-fraud');
  });
});
