import { createPublicKey, hash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { DomainError } from '../errors.ts';
import { verifyEs256 } from '../token/es256.ts';

const UNCOMPRESSED = 0x04;
const COORDINATE_BYTES = 32;

/** The new device's ephemeral key as it is kept, and its hash as the QR code shows it. */
export interface EphemeralKey {
  readonly key: string;
  readonly keyHash: string;
}

/** @throws VALIDATION_FAILED when `bytes` are no point of P-256 */
export function readEphemeralKey(bytes: Uint8Array): EphemeralKey {
  const key = Buffer.from(bytes).toString('base64url');
  if (!importKey(key)) {
    const description = 'must be an uncompressed point of P-256: 0x04, x, y';
    throw new DomainError('VALIDATION_FAILED', 'The request is not valid.', {
      violations: [{ field: 'ephemeralPublicKey', description }],
    });
  }
  return { key, keyHash: hash('sha256', Buffer.from(bytes), 'base64url') };
}

/** The ephemeral key signed for its tokens. @throws LINK_PROOF_INVALID */
export function requireCollector(key: string, id: string, signature: Uint8Array): void {
  requireSignature(`whispr-qr-v1${id}`, signature, key);
}

/** The ephemeral key signed for its next QR code. @throws LINK_PROOF_INVALID */
export function requireReissuer(
  challenge: { readonly key: string; readonly codesLeft: number },
  id: string,
  signature: Uint8Array,
): void {
  requireSignature(`whispr-qr-reissue-v1${id}${challenge.codesLeft}`, signature, challenge.key);
}

function requireSignature(input: string, signature: Uint8Array, key: string): void {
  const publicKey = importKey(key);
  const text = Buffer.from(signature).toString('base64url');
  if (publicKey && verifyEs256(input, text, publicKey)) return;
  const violations = [{ field: 'signature', description: 'is not by the key of this QR login' }];
  const message = 'This QR login belongs to another device.';
  throw new DomainError('LINK_PROOF_INVALID', message, { violations });
}

/** Nothing when the bytes are no point of the curve, which the import checks. */
function importKey(key: string): KeyObject | undefined {
  const bytes = Buffer.from(key, 'base64url');
  if (bytes[0] !== UNCOMPRESSED || bytes.length !== 1 + 2 * COORDINATE_BYTES) return undefined;
  const x = bytes.subarray(1, 1 + COORDINATE_BYTES).toString('base64url');
  const y = bytes.subarray(1 + COORDINATE_BYTES).toString('base64url');
  try {
    return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  } catch {
    return undefined;
  }
}
