import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Sealer } from './seal.ts';
import type { Sealed } from './seal.ts';

const older = { kid: 'older', key: Buffer.alloc(32, 1) };
const newer = { kid: 'newer', key: Buffer.alloc(32, 2) };
const context = ['users_auth', 'user-1', 'totp'];
const secret = Buffer.from('a secret of some length');

function changed(sealed: Sealed, field: 'nonce' | 'ciphertext', at: number): Sealed {
  const bytes = Buffer.from(sealed[field], 'base64');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return { ...sealed, [field]: bytes.toString('base64') };
}

describe('a sealed secret', () => {
  test('opens to what was sealed, in its own context', () => {
    const sealer = new Sealer([older]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.string()), (bytes, place) => {
        const plain = Buffer.from(bytes);
        expect(sealer.open(sealer.seal(plain, place), place).equals(plain)).toBe(true);
      }),
    );
  });

  test('is another one each time, and holds nothing of the secret', () => {
    const sealer = new Sealer([older]);
    const [first, second] = [sealer.seal(secret, context), sealer.seal(secret, context)];

    expect(first.nonce).not.toBe(second.nonce);
    expect(first.ciphertext).not.toBe(second.ciphertext);
    expect(Buffer.from(first.nonce, 'base64')).toHaveLength(12);
    expect(Buffer.from(first.ciphertext, 'base64').includes(secret.subarray(0, 6))).toBe(false);
  });

  test.each([
    ['another row', ['users_auth', 'user-2', 'totp']],
    ['another purpose', ['users_auth', 'user-1', 'recovery']],
    ['fewer parts', ['users_auth', 'user-1']],
    ['the same text in other parts', ['users_auth', 'user-1,totp']],
  ])('does not open in %s', (_name, other) => {
    const sealer = new Sealer([older]);
    const sealed = sealer.seal(secret, context);

    expect(() => sealer.open(sealed, other)).toThrow();
  });

  test('does not open after a change of any byte', () => {
    const sealer = new Sealer([older]);
    const sealed = sealer.seal(secret, context);
    const length = secret.length + 16;

    for (let at = 0; at < length; at += 1) {
      expect(() => sealer.open(changed(sealed, 'ciphertext', at), context)).toThrow();
    }
    for (let at = 0; at < 12; at += 1) {
      expect(() => sealer.open(changed(sealed, 'nonce', at), context)).toThrow();
    }
  });

  test.each([0, 1, 8, 15])('does not open when only %s bytes are left of it', (length) => {
    const sealer = new Sealer([older]);
    const sealed = sealer.seal(Buffer.alloc(0), context);
    const cut = Buffer.from(sealed.ciphertext, 'base64').subarray(0, length).toString('base64');

    expect(() => sealer.open({ ...sealed, ciphertext: cut }, context)).toThrow();
  });

  test('opens after a rotation, and says that it should be sealed again', () => {
    const before = new Sealer([older]).seal(secret, context);
    const after = new Sealer([newer, older]);

    expect(after.open(before, context)).toEqual(secret);
    expect(after.isCurrent(before)).toBe(false);
    expect(after.isCurrent(after.seal(secret, context))).toBe(true);
  });

  test('does not open once its key is gone', () => {
    const sealed = new Sealer([older]).seal(secret, context);

    expect(() => new Sealer([newer]).open(sealed, context)).toThrow('older');
  });
});
