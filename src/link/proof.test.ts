import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { ephemeralKey, signed } from '../../test/support/link.ts';
import { DomainError } from '../errors.ts';
import { readEphemeralKey, requireCollector, requireReissuer } from './proof.ts';

const ID = randomBytes(16).toString('base64url');
const mine = ephemeralKey();
const { key, keyHash } = readEphemeralKey(mine.publicKey);

describe('an ephemeral key', () => {
  test('is kept as it came, and named by its hash', () => {
    expect(Buffer.from(key, 'base64url')).toEqual(Buffer.from(mine.publicKey));
    expect(keyHash).toMatch(/^[\w-]{43}$/);
  });

  test.each([
    ['too short', mine.publicKey.slice(0, 64)],
    ['compressed', Buffer.concat([Buffer.from([2]), mine.publicKey.slice(1)])],
    ['off the curve', Buffer.concat([mine.publicKey.slice(0, 64), Buffer.from([0])])],
    ['the point at infinity', Buffer.concat([Buffer.from([4]), Buffer.alloc(64)])],
    ['beyond the field', Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 0xff)])],
  ])('that is %s is refused', (_name, bytes) => {
    expect(() => readEphemeralKey(bytes)).toThrow(DomainError);
  });

  test('proves that its holder may collect, for one challenge', () => {
    const signature = signed(mine, `whispr-qr-v1${ID}`);
    expect(() => {
      requireCollector(key, ID, signature);
    }).not.toThrow();
    for (const other of [`${ID}A`, ID.slice(1), '']) {
      expect(() => {
        requireCollector(key, other, signature);
      }).toThrow(DomainError);
    }
  });

  test('proves the next code by a signature that collects nothing, and the other way round', () => {
    const challenge = { key, codesLeft: 5 };
    const next = signed(mine, `whispr-qr-reissue-v1${ID}5`);
    const last = signed(mine, `whispr-qr-v1${ID}`);
    expect(() => {
      requireReissuer(challenge, ID, next);
    }).not.toThrow();
    const wrong = [
      () => requireReissuer({ key, codesLeft: 4 }, ID, next),
      () => requireReissuer(challenge, ID, last),
      () => requireCollector(key, ID, next),
      () => requireCollector(key, ID, Buffer.alloc(64)),
      () => requireCollector(key, ID, last.subarray(0, 63)),
    ];
    for (const check of wrong) expect(check).toThrow(DomainError);
  });
});
