import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Money, parseMoney } from './money.ts';

describe('an amount of money', () => {
  test.each([
    ['0.05', 50_000],
    ['12', 12_000_000],
    ['0.000001', 1],
    ['1234567.9', 1_234_567_900_000],
  ])('is read from %s in millionths', (text, micros) => {
    expect(parseMoney(text)?.micros).toBe(micros);
  });

  test.each(['', '-1', '1,5', '.5', '1.', '1e3', '0.0000001', '12345678', ' 1', '0x1'])(
    'is not read from %j',
    (text) => {
      expect(parseMoney(text)).toBeUndefined();
    },
  );

  test('reads back what it writes, with two decimals at least', () => {
    expect([50_000, 12_000_000, 1].map((micros) => String(new Money(micros)))).toEqual([
      '0.05',
      '12.00',
      '0.000001',
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), (micros) => {
        expect(parseMoney(String(new Money(micros)))?.micros).toBe(micros);
      }),
    );
  });
});
