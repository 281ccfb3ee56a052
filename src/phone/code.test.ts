import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Digest } from '../platform/digest.ts';
import { matchesCode, scopeOf, storeCode } from './code.ts';
import { attemptKey } from './limits.ts';
import { storedNumber } from './number.ts';

const older = { kid: 'older', key: Buffer.alloc(32, 1) };
const newer = { kid: 'newer', key: Buffer.alloc(32, 2) };
const digest = new Digest([older]);
const phone = storedNumber('+33612345678');
const scope = scopeOf('login', undefined);
const binding = { verificationId: 'v1', scope, phone };

describe('a stored code', () => {
  test('matches itself and no other code', () => {
    const stored = storeCode(digest, binding, '012345');
    const codes = fc.integer({ min: 0, max: 999_999 }).map((code) => String(code).padStart(6, '0'));

    expect(matchesCode(digest, { binding, code: '012345', stored })).toBe(true);
    fc.assert(
      fc.property(codes, (code) => {
        expect(matchesCode(digest, { binding, code, stored })).toBe(code === '012345');
      }),
    );
  });

  test.each(['12345', '0123456', ' 012345', '', '\u06600\u0661\u0662\u0663\u0664\u0665'])(
    'is not matched by another spelling: %j',
    (code) => {
      expect(
        matchesCode(digest, { binding, code, stored: storeCode(digest, binding, '012345') }),
      ).toBe(false);
    },
  );

  test.each([
    ['verification', { verificationId: 'v2' }],
    ['purpose', { scope: 'register' }],
    ['owner', { scope: 'login:somebody' }],
    ['number', { phone: storedNumber('+33612345679') }],
  ] as const)('is worth nothing for another %s', (_name, change) => {
    const stored = storeCode(digest, binding, '012345');

    expect(
      matchesCode(digest, { binding: { ...binding, ...change }, code: '012345', stored }),
    ).toBe(false);
  });

  test('tells neither the code nor the number', () => {
    const stored = JSON.stringify(storeCode(digest, binding, '012345'));

    expect(stored).not.toContain('012345');
    expect(stored).not.toContain('612345678');
  });

  test('stays good when a newer pepper comes, and is void when its own goes', () => {
    const stored = storeCode(digest, binding, '012345');

    expect(matchesCode(new Digest([newer, older]), { binding, code: '012345', stored })).toBe(true);
    expect(matchesCode(new Digest([newer]), { binding, code: '012345', stored })).toBe(false);
  });

  test('is made under the newest pepper', () => {
    expect(storeCode(new Digest([newer, older]), binding, '012345').kid).toBe('newer');
  });

  test.each(['', 'AA==', 'not base64!'])('that is damaged (%j) matches nothing', (mac) => {
    expect(matchesCode(digest, { binding, code: '012345', stored: { kid: 'older', mac } })).toBe(
      false,
    );
  });
});

describe('the keys under which attempts are counted', () => {
  test('tell numbers and addresses apart, and tell neither', () => {
    const key = attemptKey(digest, phone, '203.0.113.7');
    const other = attemptKey(digest, phone, '203.0.113.8');

    expect(key.phoneKey).toHaveLength(32);
    expect(other.phoneKey).toEqual(key.phoneKey);
    expect(other.addressKey).not.toEqual(key.addressKey);
    expect(key.phoneKey.toString('latin1')).not.toContain('612345678');
  });

  test('cannot be made without the pepper', () => {
    const stranger = new Digest([newer]);

    expect(attemptKey(stranger, phone, '203.0.113.7')).not.toEqual(
      attemptKey(digest, phone, '203.0.113.7'),
    );
  });
});
