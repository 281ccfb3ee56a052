import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Secret, TOTP, URI } from 'otpauth';
import {
  matchingStep,
  newTotpSecret,
  otpauthUri,
  readTotpCode,
  totpCode,
  totpStep,
} from './totp.ts';

/** RFC 6238, appendix B: the ASCII key `12345678901234567890`, SHA-1; the last 6 of its 8 digits. */
const RFC_SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const RFC_VECTORS = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
] as const;

const STEP_MS = 30_000;
const NOW_MS = 1_800_000_000_000;
const NOW_STEP = NOW_MS / STEP_MS;

describe('an authenticator code', () => {
  test.each(RFC_VECTORS)('at second %d of RFC 6238 is %s', (seconds, code) => {
    expect(totpCode(RFC_SECRET, totpStep(seconds * 1000))).toBe(code);
  });

  test('is what an independent library makes of any secret at any time', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        fc.nat(2_000_000_000),
        (key, seconds) => {
          const secret = new Secret({ buffer: Uint8Array.from(key).buffer });
          const expected = new TOTP({ secret }).generate({ timestamp: seconds * 1000 });
          expect(totpCode(secret.base32, totpStep(seconds * 1000))).toBe(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('is right in its own step and in the next, and in no other', () => {
    const secret = newTotpSecret();
    const accepted = [-2, -1, 0, 1, 2].filter(
      (steps) =>
        matchingStep(secret, totpCode(secret, NOW_STEP), {
          nowMs: NOW_MS + steps * STEP_MS,
          lastStep: 0,
        }) === NOW_STEP,
    );
    expect(accepted).toEqual([0, 1]);
  });

  test('is wrong once its step, or a later one, was used', () => {
    const secret = newTotpSecret();
    const code = totpCode(secret, NOW_STEP - 1);
    const match = (lastStep: number) => matchingStep(secret, code, { nowMs: NOW_MS, lastStep });
    expect(match(NOW_STEP - 2)).toBe(NOW_STEP - 1);
    expect(match(NOW_STEP - 1)).toBeUndefined();
    expect(match(NOW_STEP)).toBeUndefined();
    expect(match(NOW_STEP + 100)).toBeUndefined();
  });

  test.each([
    ['492817', '492817'],
    [' 492 817\t', '492817'],
    ['492-817', '492817'],
    ['49281', undefined],
    ['4928170', undefined],
    ['49281a', undefined],
    ['４９２８１７', undefined],
    ['', undefined],
  ])('typed as %j is read as %j', (typed, code) => {
    expect(readTotpCode(typed)).toBe(code);
  });
});

describe('a new secret', () => {
  test('has 160 bits in base32 without padding, and is another one each time', () => {
    const secrets = Array.from({ length: 50 }, newTotpSecret);
    for (const secret of secrets) expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(new Set(secrets).size).toBe(50);
  });

  test('is read by an independent library from the URI', () => {
    const secret = newTotpSecret();
    const read = URI.parse(otpauthUri('Whispr & Söhne', '+33***42', secret));
    expect(read).toMatchObject({
      issuer: 'Whispr & Söhne',
      label: '+33***42',
      algorithm: 'SHA1',
      digits: 6,
      period: 30,
    });
    expect(read.secret.base32).toBe(secret);
  });
});
