import { describe, expect, test } from '@jest/globals';
import { ConfigError, loadConfig } from '../config.ts';

const key = `a:${Buffer.alloc(32).toString('base64')}`;
const LEAST = {
  NODE_ENV: 'test',
  JWT_ISSUER: 'a',
  JWT_AUDIENCE: 'b',
  KEY_ENCRYPTION_KEYS: key,
  CODE_PEPPERS: key,
};

function load(change: Readonly<Record<string, string>>) {
  return loadConfig({ ...LEAST, ...change });
}

describe('the settings of the toll-fraud guard', () => {
  test('deny by default, in production too', () => {
    expect([load({}), load({ NODE_ENV: 'production' })].map(({ fraudMode }) => fraudMode)).toEqual([
      'deny',
      'deny',
    ]);
  });

  test('read prices and caps in millionths, by country', () => {
    const config = load({
      FRAUD_PRICE: '0.08',
      FRAUD_PRICES: 'FR:0.05, BE:0.075',
      FRAUD_SPEND_CAPS: 'FR:2000',
    });

    expect(config.fraudPrice.micros).toBe(80_000);
    expect(config.fraudPrices.map(({ country, amount }) => [country, amount.micros])).toEqual([
      ['FR', 50_000],
      ['BE', 75_000],
    ]);
    expect(config.fraudSpendCaps[0]?.amount.micros).toBe(2_000_000_000);
  });

  test.each([
    ['FRAUD_MODE', 'off'],
    ['FRAUD_PRICE', '-1'],
    ['FRAUD_PRICE', '8 cents'],
    ['FRAUD_PRICES', 'fr:0.05'],
    ['FRAUD_PRICES', 'FR'],
    ['FRAUD_PRICES', 'FR:0.05,FR:0.06'],
    ['FRAUD_PREFIX_TAIL_DIGITS', '1'],
    ['FRAUD_PREFIX_TAIL_DIGITS', '7'],
    ['FRAUD_PREFIX_MIN_SENDS', '4'],
    ['FRAUD_PREFIX_MIN_CONVERSION_PERCENT', '91'],
    ['FRAUD_RESERVE_PERCENT', '91'],
    ['FRAUD_RECORD_DAYS', '0'],
    ['FRAUD_PRISE', '0.05'],
  ])('are refused out of bounds: %s=%s', (name, value) => {
    expect(() => load({ [name]: value })).toThrow(ConfigError);
  });
});
