import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DomainError } from '../errors.ts';
import { readBundle } from './bundle.ts';
import type { IncomingBundle } from './bundle.ts';

const ec = (fill: number) => Buffer.concat([Buffer.from([0x05]), Buffer.alloc(32, fill)]);
const kem = (fill: number) => Buffer.concat([Buffer.from([0x08]), Buffer.alloc(1568, fill)]);
const signature = Buffer.alloc(64, 9);

const complete: IncomingBundle = {
  identityKey: ec(1),
  signedPreKey: { keyId: 1, publicKey: ec(2), signature },
  preKeys: [
    { keyId: 1, publicKey: ec(3) },
    { keyId: 2, publicKey: ec(4) },
  ],
  kemPreKeys: [{ keyId: 1, publicKey: kem(5), signature }],
  lastResortKemPreKey: { keyId: 2, publicKey: kem(6), signature },
  registrationId: 7,
};

/** The fields that a bundle is refused for; none when it is read. */
function fieldsOf(change: Partial<IncomingBundle>): readonly string[] {
  try {
    readBundle({ ...complete, ...change });
    return [];
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    expect(error.reason).toBe('KEY_FORMAT_INVALID');
    return (error.options.violations ?? []).map(({ field }) => field);
  }
}

describe('a key bundle', () => {
  test('that is complete is read as it is', () => {
    const bundle = readBundle(complete);

    expect(bundle.identityKey).toEqual(ec(1));
    expect(bundle.isLegacyEncoding).toBe(false);
    expect(bundle.preKeys).toEqual(complete.preKeys);
    expect(bundle.kemPreKeys.map(({ keyId, isLastResort }) => [keyId, isLastResort])).toEqual([
      [1, false],
      [2, true],
    ]);
    expect(bundle.registrationId).toBe(7);
  });

  test('of the deployed app, without type bytes, gets them', () => {
    const bundle = readBundle({
      identityKey: Buffer.alloc(32, 1),
      signedPreKey: { keyId: 1, publicKey: Buffer.alloc(32, 2), signature },
      preKeys: [{ keyId: 1, publicKey: Buffer.alloc(32, 3) }],
      kemPreKeys: [],
    });

    expect(bundle.isLegacyEncoding).toBe(true);
    expect(bundle.identityKey).toEqual(ec(1));
    expect(bundle.signedPreKey.publicKey).toEqual(ec(2));
    expect(bundle.preKeys[0]?.publicKey).toEqual(ec(3));
  });

  test.each([
    ['empty', Buffer.alloc(0)],
    ['of 31 bytes', Buffer.alloc(31, 5)],
    ['of 34 bytes', Buffer.alloc(34, 5)],
    ['of 33 bytes with another type', Buffer.alloc(33, 6)],
  ])('with an EC key that is %s is refused in each place, by path', (_name, key) => {
    const signed = { keyId: 1, publicKey: key, signature };

    expect(fieldsOf({ identityKey: key })).toEqual(['signalKeyBundle.identityKey']);
    expect(fieldsOf({ signedPreKey: signed })).toEqual(['signalKeyBundle.signedPreKey.publicKey']);
    expect(
      fieldsOf({
        preKeys: [
          { keyId: 1, publicKey: ec(1) },
          { keyId: 2, publicKey: key },
        ],
      }),
    ).toEqual(['signalKeyBundle.preKeys[1].publicKey']);
  });

  test.each([
    ['without the type byte', Buffer.alloc(1568, 5)],
    ['with another type', Buffer.alloc(1569, 7)],
    ['a byte longer', Buffer.concat([kem(1), Buffer.alloc(1)])],
    ['that is an EC key', ec(1)],
  ])('with a KEM key %s is refused by path', (_name, publicKey) => {
    const key = { keyId: 1, publicKey, signature };

    expect(fieldsOf({ kemPreKeys: [key] })).toEqual(['signalKeyBundle.kemPreKeys[0].publicKey']);
    expect(fieldsOf({ lastResortKemPreKey: key, kemPreKeys: [] })).toEqual([
      'signalKeyBundle.lastResortKemPreKey.publicKey',
    ]);
  });

  test.each([0, 63, 65, 512])('with a signature of %s bytes is refused by path', (length) => {
    const bad = Buffer.alloc(length, 1);

    expect(fieldsOf({ signedPreKey: { keyId: 1, publicKey: ec(1), signature: bad } })).toEqual([
      'signalKeyBundle.signedPreKey.signature',
    ]);
    expect(fieldsOf({ kemPreKeys: [{ keyId: 1, publicKey: kem(1), signature: bad }] })).toEqual([
      'signalKeyBundle.kemPreKeys[0].signature',
    ]);
  });

  test('without a signed prekey is refused', () => {
    expect(fieldsOf({ signedPreKey: undefined })).toEqual(['signalKeyBundle.signedPreKey']);
  });

  test('with an id twice in a list is refused at the second one', () => {
    const key = { keyId: 4, publicKey: ec(1) };
    const kemKey = { keyId: 4, publicKey: kem(1), signature };

    expect(fieldsOf({ preKeys: [key, { ...key, keyId: 5 }, key] })).toEqual([
      'signalKeyBundle.preKeys[2].keyId',
    ]);
    expect(fieldsOf({ kemPreKeys: [kemKey], lastResortKemPreKey: kemKey })).toEqual([
      'signalKeyBundle.kemPreKeys[1].keyId',
    ]);
  });

  test('may use one id in lists of different kinds', () => {
    expect(fieldsOf({})).toEqual([]);
  });

  test('is told everything that is wrong at once', () => {
    const nothing = Buffer.alloc(0);

    expect(
      fieldsOf({
        identityKey: nothing,
        signedPreKey: { keyId: 1, publicKey: nothing, signature: nothing },
        preKeys: [{ keyId: 1, publicKey: nothing }],
      }),
    ).toHaveLength(4);
  });

  test('is copied: what the caller changes later does not change it', () => {
    const identityKey = ec(1);
    const bundle = readBundle({ ...complete, identityKey });
    identityKey.fill(0);

    expect(bundle.identityKey).toEqual(ec(1));
  });

  test('of any bytes is read or refused, never anything else', () => {
    const bytes = fc.uint8Array({ maxLength: 70 });
    fc.assert(
      fc.property(bytes, bytes, bytes, (identityKey, publicKey, mark) => {
        const signedPreKey = { keyId: 1, publicKey, signature: mark };
        expect(Array.isArray(fieldsOf({ identityKey, signedPreKey }))).toBe(true);
      }),
    );
  });
});
