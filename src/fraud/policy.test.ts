import { describe, expect, test } from '@jest/globals';
import { Money } from '../platform/money.ts';
import { fraudLimits, fraudPolicy, prefixOf } from './policy.ts';
import type { FraudSettings } from './policy.ts';

const settings: FraudSettings = {
  fraudMode: 'deny',
  fraudPrefixTailDigits: 4,
  fraudPrefixWindowSeconds: 600,
  fraudPrefixMinSends: 20,
  fraudPrefixMinConversionPercent: 20,
  fraudPrefixShare: 5,
  fraudPrefixBlockSeconds: 3_600,
  fraudPrefixBlockMaxSeconds: 86_400,
  fraudSendsPerCountryHour: 2_000,
  fraudSpendPerCountryDay: new Money(500_000_000),
  fraudSpendCaps: [{ country: 'BE', amount: new Money(3_000_000) }],
  fraudReservePercent: 30,
  fraudReserveFor: 'accounts',
  fraudPrice: new Money(80_000),
  fraudPrices: [{ country: 'FR', amount: new Money(50_000) }],
};

describe('the toll-fraud policy', () => {
  test('knows prices and caps by country, and what holds for the others', () => {
    const { priceOf, spendPerDay } = fraudPolicy(settings);

    expect(['FR', 'BE', '001'].map(priceOf)).toEqual([50_000, 80_000, 80_000]);
    expect(['FR', 'BE'].map(spendPerDay)).toEqual([500_000_000, 3_000_000]);
  });

  test('puts numbers together that differ in their last four digits', () => {
    const policy = fraudPolicy(settings);
    const prefixes = ['+33612340000', '+33612349999', '+33612350000'].map((number) =>
      prefixOf(policy, number),
    );

    expect(prefixes).toEqual(['+3361234', '+3361234', '+3361235']);
  });

  test('shows its budgets with the settings that hold them', () => {
    const limits = fraudLimits(settings);

    expect(limits.map(({ limit, setting }) => [setting, limit])).toEqual([
      ['fraudPrefixMinSends', 20],
      ['fraudSendsPerCountryHour', 2_000],
      ['fraudSpendPerCountryDay', 500],
    ]);
  });
});
