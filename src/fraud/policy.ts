import type { Limit } from '../limits/policy.ts';
import type { Money } from '../platform/money.ts';

/** What decides about a send, in the numbers that the SQL function and the replay read. */
export interface Thresholds {
  readonly windowSeconds: number;
  readonly minSends: number;
  readonly minConversionPercent: number;
  readonly share: number;
  readonly blockSeconds: number;
  readonly blockMaxSeconds: number;
  readonly sendsPerHour: number;
  readonly reservePercent: number;
}

/** The guard's settings, resolved. */
export interface FraudPolicy {
  /** `record` only notes what it would have refused. */
  readonly mode: 'deny' | 'record';
  readonly thresholds: Thresholds;
  readonly reserveFor: 'accounts' | 'known_addresses';
  readonly prefixTailDigits: number;
  /** Millionths of the currency that one message to a country costs. */
  readonly priceOf: (country: string) => number;
  /** Millionths of the currency that messages to a country may cost in a day. */
  readonly spendPerDay: (country: string) => number;
}

interface CountryAmount {
  readonly country: string;
  readonly amount: Money;
}

export interface FraudSettings {
  readonly fraudMode: 'deny' | 'record';
  readonly fraudPrefixTailDigits: number;
  readonly fraudPrefixWindowSeconds: number;
  readonly fraudPrefixMinSends: number;
  readonly fraudPrefixMinConversionPercent: number;
  readonly fraudPrefixShare: number;
  readonly fraudPrefixBlockSeconds: number;
  readonly fraudPrefixBlockMaxSeconds: number;
  readonly fraudSendsPerCountryHour: number;
  readonly fraudSpendPerCountryDay: Money;
  readonly fraudSpendCaps: readonly CountryAmount[];
  readonly fraudReservePercent: number;
  readonly fraudReserveFor: 'accounts' | 'known_addresses';
  readonly fraudPrice: Money;
  readonly fraudPrices: readonly CountryAmount[];
}

export function fraudPolicy(config: FraudSettings): FraudPolicy {
  return {
    mode: config.fraudMode,
    reserveFor: config.fraudReserveFor,
    prefixTailDigits: config.fraudPrefixTailDigits,
    priceOf: byCountry(config.fraudPrices, config.fraudPrice),
    spendPerDay: byCountry(config.fraudSpendCaps, config.fraudSpendPerCountryDay),
    thresholds: {
      windowSeconds: config.fraudPrefixWindowSeconds,
      minSends: config.fraudPrefixMinSends,
      minConversionPercent: config.fraudPrefixMinConversionPercent,
      share: config.fraudPrefixShare,
      blockSeconds: config.fraudPrefixBlockSeconds,
      blockMaxSeconds: config.fraudPrefixBlockMaxSeconds,
      sendsPerHour: config.fraudSendsPerCountryHour,
      reservePercent: config.fraudReservePercent,
    },
  };
}

/**
 * A number without its last digits. Four of them are left out: operators get their numbers in blocks
 * of 10,000 (an EZABPQ in France, a central office code in North America), and whoever is paid for
 * messages fills the blocks that are theirs.
 */
export function prefixOf(policy: Pick<FraudPolicy, 'prefixTailDigits'>, phone: string): string {
  return phone.slice(0, -policy.prefixTailDigits);
}

/** The budgets, as docs/limits.md shows them. */
export function fraudLimits(config: FraudSettings): readonly Limit[] {
  return [
    {
      name: 'sends_per_prefix',
      counts: `sends, judged from this many on: refused while fewer than ${config.fraudPrefixMinConversionPercent} % of them were entered`,
      per: `block of numbers (the number without its last ${config.fraudPrefixTailDigits} digits)`,
      limit: config.fraudPrefixMinSends,
      windowSeconds: config.fraudPrefixWindowSeconds,
      withoutRedis: 'postgres',
      setting: 'fraudPrefixMinSends',
    },
    {
      name: 'sends_per_country',
      counts: `sends; ${config.fraudReservePercent} % are kept for logins of existing accounts`,
      per: 'country',
      limit: config.fraudSendsPerCountryHour,
      windowSeconds: 3_600,
      withoutRedis: 'postgres',
      setting: 'fraudSendsPerCountryHour',
    },
    {
      name: 'sends_per_country',
      counts: `units of currency that sends cost; ${config.fraudReservePercent} % are kept for logins of existing accounts`,
      per: 'country',
      limit: Math.floor(config.fraudSpendPerCountryDay.micros / 1_000_000),
      windowSeconds: 86_400,
      withoutRedis: 'postgres',
      setting: 'fraudSpendPerCountryDay',
    },
  ];
}

function byCountry(amounts: readonly CountryAmount[], otherwise: Money) {
  const micros = new Map(amounts.map(({ country, amount }) => [country, amount.micros]));
  return (country: string) => micros.get(country) ?? otherwise.micros;
}
