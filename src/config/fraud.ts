import { parseMoney } from '../platform/money.ts';
import type { Money } from '../platform/money.ts';
import { integer, list, oneOf } from './read.ts';
import type { Read } from './read.ts';
import { setting, HOUR, DAY, MINUTE } from './setting.ts';

/** An amount for one country. */
export interface CountryAmount {
  readonly country: string;
  readonly amount: Money;
}

/** An amount in the operator's currency. */
const money: Read<Money> = (raw) => {
  const amount = parseMoney(raw);
  if (!amount) throw new Error('must be an amount such as 0.05, up to 9999999 with 6 decimals');
  return amount;
};

/** `FR:0.05, BE:0.07`. */
const amounts: Read<CountryAmount[]> = (raw) => {
  const read = list(raw).map((entry) => {
    const [country = '', text = ''] = entry.split(':');
    const amount = parseMoney(text);
    if (!/^[A-Z]{2}$/.test(country) || !amount) {
      throw new Error('must be a list of country:amount such as FR:0.05, BE:0.07');
    }
    return { country, amount };
  });
  if (new Set(read.map(({ country }) => country)).size < read.length) {
    throw new Error('names a country twice');
  }
  return read;
};

/** The guard against toll fraud: what sends may cost, and which blocks of numbers look pumped. */
export const fraudSettings = {
  fraudMode: setting(
    'FRAUD_MODE',
    oneOf(['deny', 'record']),
    'deny',
    'deny refuses what looks like toll fraud; record only notes what it would have refused',
  ),
  fraudPrefixTailDigits: setting(
    'FRAUD_PREFIX_TAIL_DIGITS',
    integer(2, 6),
    4,
    'last digits that a prefix leaves out; 4 = blocks of 10,000 numbers',
  ),
  fraudPrefixWindowSeconds: setting(
    'FRAUD_PREFIX_WINDOW_SECONDS',
    integer(MINUTE, DAY),
    10 * MINUTE,
    'time over which the sends to a prefix are judged',
  ),
  fraudPrefixMinSends: setting(
    'FRAUD_PREFIX_MIN_SENDS',
    integer(5, 10_000),
    20,
    'sends to a prefix from which they are judged',
  ),
  fraudPrefixMinConversionPercent: setting(
    'FRAUD_PREFIX_MIN_CONVERSION_PERCENT',
    integer(1, 90),
    20,
    'share of verified sends below which a prefix is blocked',
  ),
  fraudPrefixShare: setting(
    'FRAUD_PREFIX_SHARE',
    integer(1, 10_000),
    5,
    'sends of one address, and to one number, that count against a prefix',
  ),
  fraudPrefixBlockSeconds: setting(
    'FRAUD_PREFIX_BLOCK_SECONDS',
    integer(MINUTE, DAY),
    HOUR,
    'first block of a prefix; doubled when the one before ended less than a day ago',
  ),
  fraudPrefixBlockMaxSeconds: setting(
    'FRAUD_PREFIX_BLOCK_MAX_SECONDS',
    integer(MINUTE, 7 * DAY),
    DAY,
    'longest block of a prefix',
  ),
  fraudSendsPerCountryHour: setting(
    'FRAUD_SENDS_PER_COUNTRY_HOUR',
    integer(1, 1_000_000),
    2_000,
    'sends to a country in an hour of the clock (UTC)',
  ),
  fraudSpendPerCountryDay: setting(
    'FRAUD_SPEND_PER_COUNTRY_DAY',
    money,
    money('500'),
    'what sends to a country may cost in a day (UTC), in the currency of the prices',
  ),
  fraudSpendCaps: setting(
    'FRAUD_SPEND_CAPS',
    amounts,
    [],
    'the same for single countries, FR:2000, BE:300',
  ),
  fraudReservePercent: setting(
    'FRAUD_RESERVE_PERCENT',
    integer(0, 90),
    30,
    'share of both budgets of a country that is kept for logins of existing accounts',
  ),
  fraudReserveFor: setting(
    'FRAUD_RESERVE_FOR',
    oneOf(['accounts', 'known_addresses']),
    'accounts',
    'who may use the reserve: every account, or only from addresses that signed in to it before',
  ),
  fraudPrice: setting(
    'FRAUD_PRICE',
    money,
    money('0.08'),
    'price of a message where FRAUD_PRICES names none',
  ),
  fraudPrices: setting('FRAUD_PRICES', amounts, [], 'prices by country, FR:0.05, BE:0.07'),
  fraudRecordDays: setting(
    'FRAUD_RECORD_DAYS',
    integer(1, 400),
    30,
    'days for which sends are kept for replay-fraud, without numbers',
  ),
};
