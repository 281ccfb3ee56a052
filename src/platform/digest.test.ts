import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Digest } from './digest.ts';

const older = { kid: 'older', key: Buffer.alloc(32, 1) };
const newer = { kid: 'newer', key: Buffer.alloc(32, 2) };

describe('a keyed hash', () => {
  test('is HMAC-SHA-256 over the length and bytes of the purpose and of each part', () => {
    const expected = createHmac('sha256', older.key)
      .update(Buffer.from([0, 0, 0, 5]))
      .update('phone')
      .update(Buffer.from([0, 0, 0, 2]))
      .update('é')
      .digest();

    expect(new Digest([older]).current('phone', ['é'])).toEqual({ kid: 'older', value: expected });
  });

  test('differs whenever the parts differ, wherever their borders are', () => {
    const digest = new Digest([older]);
    const parts = fc.array(fc.string(), { maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        const same = digest.current('p', left).value.equals(digest.current('p', right).value);
        expect(same).toBe(JSON.stringify(left) === JSON.stringify(right));
      }),
    );
    expect(digest.current('a', ['bc'])).not.toEqual(digest.current('ab', ['c']));
    expect(digest.current('a', [])).not.toEqual(digest.current('a', ['']));
  });

  test('is made under the newest key and can be made under each older one', () => {
    const before = new Digest([older]).current('p', ['a']);
    const after = new Digest([newer, older]);

    expect(after.current('p', ['a']).kid).toBe('newer');
    expect(after.under('older', 'p', ['a'])).toEqual(before.value);
    expect(after.every('p', ['a'])).toEqual([after.current('p', ['a']).value, before.value]);
  });

  test('cannot be made under a key that was dropped', () => {
    expect(new Digest([newer]).under('older', 'p', ['a'])).toBeUndefined();
  });
});
