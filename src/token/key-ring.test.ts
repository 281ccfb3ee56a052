import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { calculateJwkThumbprint } from 'jose';
import { TrialClock, TrialKeys, trialSealer } from '../../test/support/trial-key-ring.ts';
import { KeyRing } from './key-ring.ts';
import { generateSigningKey, importSigningKey, openPrivateKey } from './signing-key.ts';
import type { SigningKeyRow } from './store.ts';

const clock = new TrialClock();
const [active, pending, retired, refresh] = await Promise.all([
  generateSigningKey(trialSealer, 'access', 'active'),
  generateSigningKey(trialSealer, 'access', 'pending'),
  generateSigningKey(trialSealer, 'access', 'retired'),
  generateSigningKey(trialSealer, 'refresh', 'active'),
]);

function ringOf(rows: readonly SigningKeyRow[]): { ring: KeyRing; table: TrialKeys } {
  const table = new TrialKeys(rows);
  return { ring: new KeyRing({ readKeys: table.read, clock, sealer: trialSealer }), table };
}

const kidsOf = (ring: KeyRing) =>
  [
    ...ring
      .jwks()
      .body.toString()
      .matchAll(/"kid":"([^"]+)"/g),
  ].map(([, kid]) => kid);

describe('the key ring', () => {
  test('publishes access keys only, the active one first, with nothing private', async () => {
    const { ring } = ringOf([retired, pending, refresh, active]);
    await ring.reload();

    const jwks: unknown = JSON.parse(ring.jwks().body.toString());
    const { x, y } = active.publicJwk;

    expect(kidsOf(ring)).toEqual([active.kid, pending.kid, retired.kid]);
    const first = { kty: 'EC', crv: 'P-256', x, y, use: 'sig', alg: 'ES256', kid: active.kid };
    expect(jwks).toEqual({ keys: [first, expect.anything(), expect.anything()] });
  });

  test('changes the entity tag with the keys and not otherwise', async () => {
    const { ring, table } = ringOf([active, refresh]);
    await ring.reload();
    const first = ring.jwks().etag;
    await ring.reload();
    expect(ring.jwks().etag).toBe(first);

    table.rows = [active, pending, refresh];
    await ring.reload();

    expect(ring.jwks().etag).not.toBe(first);
    expect(first).toMatch(/^"[\w-]{22}"$/);
  });

  test('keeps the keys of the two purposes apart', async () => {
    const { ring } = ringOf([active, refresh]);
    await ring.reload();

    expect(ring.publicKey('access', refresh.kid)).toBeUndefined();
    expect(ring.publicKey('refresh', active.kid)).toBeUndefined();
    expect(ring.signer('access').kid).toBe(active.kid);
    expect(ring.signer('refresh').kid).toBe(refresh.kid);
  });

  test.each([
    ['no key at all', []],
    ['no active access key', [pending, refresh]],
    ['no active refresh key', [active]],
    ['a private key of another pair', [{ ...active, publicJwk: pending.publicJwk }, refresh]],
    [
      'a private key that was sealed for another purpose',
      [{ ...refresh, purpose: 'access' }, refresh],
    ],
  ] as const)('refuses to serve with %s and keeps what it had', async (_name, rows) => {
    const { ring, table } = ringOf([active, refresh]);
    await ring.reload();
    table.rows = rows;

    await expect(ring.reload()).rejects.toThrow();

    expect(ring.signer('access').kid).toBe(active.kid);
  });

  test('says that it was used before it was loaded', () => {
    const { ring } = ringOf([active, refresh]);

    expect(ring.isLoaded()).toBe(false);
    expect(() => ring.signer('access')).toThrow('before it was loaded');
  });
});

describe('an unknown key', () => {
  let ring: KeyRing;
  let table: TrialKeys;

  beforeEach(async () => {
    ({ ring, table } = ringOf([active, refresh]));
    await ring.reload();
    table.reads = 0;
  });

  test('is looked for once by all callers together', async () => {
    await Promise.all(Array.from({ length: 64 }, () => ring.refetch()));

    expect(table.reads).toBe(1);
  });

  test('is looked for again after 30 s and not before', async () => {
    await ring.refetch();
    clock.pass(29);
    await ring.refetch();
    expect(table.reads).toBe(1);
    clock.pass(1);
    await ring.refetch();
    expect(table.reads).toBe(2);
  });
});

describe('a signing key', () => {
  test('is named by the thumbprint of RFC 7638', async () => {
    expect(active.kid).toBe(await calculateJwkThumbprint(active.publicJwk));
  });

  test('is imported under the same name whenever it comes', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

    const first = await importSigningKey(trialSealer, pem, undefined);
    const second = await importSigningKey(trialSealer, pem, undefined);

    expect(second.kid).toBe(first.kid);
    expect(openPrivateKey(trialSealer, second).equals(privateKey)).toBe(true);
  });

  test('is refused with the public key of another pair', async () => {
    const [own, other] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
    const pem = own?.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() ?? '';
    const publicPem = other?.publicKey.export({ type: 'spki', format: 'pem' }).toString();

    await expect(importSigningKey(trialSealer, pem, publicPem)).rejects.toThrow('JWT_PUBLIC_KEY');
  });

  test.each([
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['Ed25519', generateKeyPairSync('ed25519')],
  ])('is refused when it is a key of %s', async (_name, { privateKey }) => {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

    await expect(importSigningKey(trialSealer, pem, undefined)).rejects.toThrow('P-256');
  });

  test('never stands in its row unsealed', () => {
    const der = openPrivateKey(trialSealer, active).export({ type: 'pkcs8', format: 'der' });
    const row = JSON.stringify(active);

    expect(row).not.toContain(der.toString('base64').slice(20, 60));
    expect(row).not.toContain('"d"');
  });
});
