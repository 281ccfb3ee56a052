import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import type { Sealer } from '../platform/seal.ts';
import type { KeyPurpose, KeyState, PublicJwk, SigningKeyRow } from './store.ts';

/** A new P-256 key, its private part sealed. The kid is the RFC 7638 thumbprint. */
export async function generateSigningKey(
  sealer: Sealer,
  purpose: KeyPurpose,
  state: KeyState,
): Promise<SigningKeyRow> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return sealSigningKey(sealer, privateKey, { purpose, state });
}

/** @throws Error when `pem` is no P-256 private key, or `publicPem` belongs to another one */
export async function importSigningKey(
  sealer: Sealer,
  pem: string,
  publicPem: string | undefined,
): Promise<SigningKeyRow> {
  const privateKey = createPrivateKey(pem);
  if (publicPem !== undefined) {
    const expected = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
    const given = createPublicKey(publicPem).export({ type: 'spki', format: 'der' });
    if (!expected.equals(given)) throw new Error('JWT_PUBLIC_KEY is not that of JWT_PRIVATE_KEY');
  }
  return sealSigningKey(sealer, privateKey, { purpose: 'access', state: 'active' });
}

export function openPrivateKey(sealer: Sealer, row: SigningKeyRow): KeyObject {
  const der = sealer.open(row.privateSealed, sealContext(row));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

export function importPublicKey(jwk: PublicJwk): KeyObject {
  return createPublicKey({ key: { ...jwk }, format: 'jwk' });
}

async function sealSigningKey(
  sealer: Sealer,
  privateKey: KeyObject,
  role: { purpose: KeyPurpose; state: KeyState },
): Promise<SigningKeyRow> {
  const publicJwk = publicJwkOf(privateKey);
  const kid = await calculateJwkThumbprint(publicJwk);
  const der = privateKey.export({ type: 'pkcs8', format: 'der' });
  const privateSealed = sealer.seal(der, sealContext({ kid, purpose: role.purpose }));
  return { kid, ...role, publicJwk, privateSealed };
}

function publicJwkOf(privateKey: KeyObject): PublicJwk {
  const { kty, crv, x, y } = createPublicKey(privateKey).export({ format: 'jwk' });
  if (kty !== 'EC' || crv !== 'P-256' || x === undefined || y === undefined) {
    throw new Error('A signing key must be a P-256 key');
  }
  return { kty, crv, x, y };
}

function sealContext(row: Pick<SigningKeyRow, 'kid' | 'purpose'>): string[] {
  return ['signing_keys', row.kid, row.purpose];
}
