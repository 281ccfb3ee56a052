import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DomainError } from '../errors.ts';
import { readNumber, traitsOf, unknownCountries } from './number.ts';

function refusalOf(raw: string, countries: readonly string[] = []): string | undefined {
  try {
    parseNumber(raw, countries);
    return undefined;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    expect(error.reason).toBe('NUMBER_REFUSED');
    expect(error.options.violations?.map(({ field }) => field)).toEqual(['phoneNumber']);
    return error.options.metadata?.['why'];
  }
}

describe('a phone number', () => {
  test.each([
    '+33612345678',
    '+33 6 12 34 56 78',
    '+33-6-12-34-56-78',
    '+33.6.12.34.56.78',
    '+33 (0)6 12 34 56 78',
    '+330612345678',
    ' +33612345678 ',
    '+33\u00a06\u00a012\u00a034\u00a056\u00a078',
    '+33\u20116\u201112\u201134\u201156\u201178',
  ])('spelt %j is one and the same value', (raw) => {
    expect(parseNumber(raw, [])).toBe('+33612345678');
  });

  test('cannot be spelt so that its limits count it twice', () => {
    const blank = fc.constantFrom('', ' ', '-', '.', '(', ')', '\u2013', '\u00a0', '\t');
    const spelling = fc
      .array(blank, { minLength: 11, maxLength: 11 })
      .map(
        (blanks) =>
          `+${Array.from('33612345678', (digit, at) => `${digit}${blanks[at]}`).join('')}`,
      );
    fc.assert(
      fc.property(spelling, (raw) => {
        expect(parseNumber(raw, [])).toBe('+33612345678');
      }),
    );
  });

  test('that was parsed is parsed to itself', () => {
    for (const raw of ['+33612345678', '+12025550123', '+447400123456', '+390612345678']) {
      expect(parseNumber(parseNumber(raw, []), [])).toBe(raw);
    }
  });

  test.each([
    ['without a plus', '33612345678'],
    ['in national form', '0612345678'],
    ['with an international prefix', '0033612345678'],
    ['with two pluses', '++33612345678'],
    ['with a full-width plus', '\uff0b33612345678'],
    ['in other digits', '+\u0663\u0663612345678'],
    ['with an extension', '+33612345678;ext=5'],
    ['with letters', '+1800FLOWERS'],
    ['too short', '+33612'],
    ['too long', '+3361234567890123'],
    ['of no country', '+999123456789'],
    ['of no range that exists', '+33012345678'],
    ['with a null byte', '+33612345678\u0000'],
    ['with nothing in it', ''],
  ])('%s is refused for its form', (_name, raw) => {
    expect(refusalOf(raw)).toBe('form');
  });

  test.each([
    ['premium rate, France', '+33891123456', 'kind'],
    ['premium rate, Great Britain', '+449012345678', 'kind'],
    ['premium rate, United States', '+19002345678', 'kind'],
    ['premium rate, everywhere', '+97912345678', 'form'],
    ['shared cost, Germany', '+491803123456', 'kind'],
    ['toll-free, United States', '+18002345678', 'kind'],
    ['toll-free, everywhere', '+80012345678', 'kind'],
    ['universal access, Great Britain', '+443031234567', 'kind'],
  ])('that costs or pays somebody is refused: %s', (_name, raw, why) => {
    expect(refusalOf(raw)).toBe(why);
  });

  test('of a country that is not on the list is refused', () => {
    expect(parseNumber('+33612345678', ['DE', 'FR'])).toBe('+33612345678');
    expect(refusalOf('+33612345678', ['DE'])).toBe('country');
    expect(refusalOf('+33612345678', ['fr'])).toBe('country');
  });

  test('of one country is not taken for its neighbour with the same code', () => {
    expect(refusalOf('+14165550123', ['US'])).toBe('country');
    expect(refusalOf('+77012345678', ['RU'])).toBe('country');
  });

  test('never makes a refusal that repeats the number', () => {
    try {
      parseNumber('+33891123456', []);
    } catch (error) {
      expect(JSON.stringify(error)).not.toContain('891123456');
      expect(String(error)).not.toContain('891123456');
    }
  });
});

test('a number shares its country and kind with others, also one that gets no codes', () => {
  expect(['+33612345678', '+33 891 12 34 56', '+80012345678'].map(traitsOf)).toEqual([
    { number: '+33612345678', country: 'FR', kind: 'MOBILE' },
    { number: '+33891123456', country: 'FR', kind: 'PREMIUM_RATE' },
    { number: '+80012345678', country: '001', kind: 'TOLL_FREE' },
  ]);
});

test('a typo in the list of countries is found', () => {
  expect(unknownCountries(['FR', 'XX', 'fr', 'UK', 'GB'])).toEqual(['XX', 'fr', 'UK']);
});

/** Every refusal is thrown, for its form or not. */
function parseNumber(raw: string, countries: readonly string[]): string {
  const read = readNumber(raw, countries);
  if (read.status === 'barred') throw read.error;
  return read.phone;
}
