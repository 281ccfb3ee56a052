import { describe, expect, test } from '@jest/globals';
import { ConfigError, loadConfig } from '../config.ts';
import { cidrs, flag, integer, integers, list, oneOf, url, weighted } from './read.ts';
import { settings } from './table.ts';

describe('a reader', () => {
  test.each([
    ['true', true],
    ['false', false],
  ])('takes %s as a flag', (raw, value) => {
    expect(flag(raw)).toBe(value);
  });

  test.each(['TRUE', '1', 'yes', 'on', ' true'])('does not take %j as a flag', (raw) => {
    expect(() => flag(raw)).toThrow('must be true or false');
  });

  test.each(['0', '5', '10'])('takes %s as a whole number from 0 to 10', (raw) => {
    expect(integer(0, 10)(raw)).toBe(Number(raw));
  });

  test.each(['-1', '11', '1.5', '1e1', '0x1', ' 1', '1_0', 'NaN', 'Infinity', '٣', '9'.repeat(30)])(
    'does not take %j as one',
    (raw) => {
      expect(() => integer(0, 10)(raw)).toThrow('from 0 to 10');
    },
  );

  test('takes lists with blanks and empty entries', () => {
    expect(list(' a, ,b,,')).toEqual(['a', 'b']);
    expect(integers(0, 9)('3, 4')).toEqual([3, 4]);
    expect(weighted(['a', 'b'])('b:2,a').map(({ name }) => name)).toEqual(['b', 'a']);
    expect(() => integers(0, 9)(',')).toThrow('at least one');
    expect(() => integers(0, 9)('3,10')).toThrow('from 0 to 9');
    expect(() => weighted(['a'])('a,c')).toThrow('one of a');
  });

  test('takes a value of a list, in its exact spelling', () => {
    expect(oneOf(['strict', 'legacy'])('strict')).toBe('strict');
    expect(() => oneOf(['strict', 'legacy'])('Strict')).toThrow('strict, legacy');
  });

  test('takes a URL without its last slash', () => {
    expect(url('https://a.example/')).toBe('https://a.example');
    expect(() => url('a.example')).toThrow('must be a URL');
  });

  test('takes CIDR blocks of both families', () => {
    const blocks = cidrs('10.0.0.0/8, fd00::/8');

    expect(blocks.check('10.1.2.3')).toBe(true);
    expect(blocks.check('11.1.2.3')).toBe(false);
    expect(blocks.check('fd12::1', 'ipv6')).toBe(true);
    expect(cidrs('').check('127.0.0.1')).toBe(false);
  });

  test.each(['10.0.0.0', '10.0.0.0/33', '10.0.0/8', '::1/129', '10.0.0.0/', 'all', '10.0.0.0/-1'])(
    'does not take %j as a CIDR block',
    (raw) => {
      expect(() => cidrs(raw)).toThrow('CIDR');
    },
  );
});

/** Bounds that the security rules set: outside of them the service does not start. */
const BOUNDS: readonly (readonly [keyof typeof settings, number, number])[] = [
  ['accessTokenTtlSeconds', 121, 3600],
  ['wsTokenTtlSeconds', 10, 300],
  ['codeTtlSeconds', 30, 600],
  ['verificationTtlSeconds', 300, 900],
  ['codeChecks', 1, 5],
  ['unaryDeadlineMs', 100, 30_000],
  ['revocationPollMs', 20, 900],
  ['refreshGraceSeconds', 1, 300],
];

describe('the bounds', () => {
  const key = `a:${Buffer.alloc(32).toString('base64')}`;
  const least = {
    NODE_ENV: 'test',
    JWT_ISSUER: 'a',
    JWT_AUDIENCE: 'b',
    KEY_ENCRYPTION_KEYS: key,
    CODE_PEPPERS: key,
    VERIFICATION_CODE_TTL_SECONDS: '30',
  };

  test.each(BOUNDS)('of %s are %s and %s, both included', (property, low, high) => {
    const { name } = settings[property];
    const load = (value: number) => loadConfig({ ...least, [name]: String(value) })[property];

    expect([load(low), load(high)]).toEqual([low, high]);
    expect(() => load(low - 1)).toThrow(ConfigError);
    expect(() => load(high + 1)).toThrow(ConfigError);
  });

  test('hold for what only makes sense together', () => {
    const load = (change: Readonly<Record<string, string>>) => () =>
      loadConfig({ ...least, ...change });

    expect(load({ JWT_REFRESH_AUDIENCE: 'b' })).toThrow('JWT_REFRESH_AUDIENCE must differ');
    expect(load({ SMS_PROVIDERS: 'inbox' })).toThrow('SMS_INBOX_URL is required');
    expect(load({ VERIFICATION_CODE_TTL_SECONDS: '600', VERIFICATION_TTL_SECONDS: '300' })).toThrow(
      'VERIFICATION_CODE_TTL_SECONDS must not exceed',
    );
  });

  test('hold for every default', () => {
    const strange = Object.values(settings).filter(({ fallback, read }) => {
      const value = fallback?.value;
      return typeof value === 'number' && read(String(value)) !== value;
    });

    expect(strange).toEqual([]);
  });
});
