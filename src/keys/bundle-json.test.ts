import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { bundleFromJson, bundleToJson } from './bundle-json.ts';
import { readBundle } from './bundle.ts';
import type { IncomingBundle } from './bundle.ts';

describe('a bundle that waited as JSON', () => {
  test.each([
    ['with bare keys of the deployed app', bare()],
    ['with every optional key', complete()],
  ])('is the same again %s', (_name, incoming) => {
    const bundle = readBundle(incoming);
    const stored: unknown = JSON.parse(JSON.stringify(bundleToJson(bundle)));
    expect(stored).toEqual(bundleToJson(bundle));
    expect(bundleFromJson(bundleToJson(bundle))).toEqual(bundle);
  });
});

function bare(): IncomingBundle {
  return {
    identityKey: randomBytes(32),
    signedPreKey: { keyId: 0, publicKey: randomBytes(32), signature: randomBytes(64) },
    preKeys: [{ keyId: 7, publicKey: randomBytes(32) }],
    kemPreKeys: [],
  };
}

function complete(): IncomingBundle {
  const kem = (keyId: number) => ({
    keyId,
    publicKey: Buffer.concat([Buffer.from([8]), randomBytes(1568)]),
    signature: randomBytes(64),
  });
  return {
    ...bare(),
    identityKey: Buffer.concat([Buffer.from([5]), randomBytes(32)]),
    registrationId: 17,
    lastResortKemPreKey: kem(1),
    kemPreKeys: [kem(2), kem(3)],
    encryptedIdentityBackup: randomBytes(48),
  };
}
