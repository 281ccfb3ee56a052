import { sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

const SCALAR_BYTES = 32;

/**
 * ES256 (RFC 7518 §3.4) over `input`, synchronously. OpenSSL speaks DER and converting here costs
 * less than half of what Node's `ieee-p1363` encoding does (docs/adr/0004-es256-on-node-crypto.md).
 */
export function signEs256(input: string, privateKey: KeyObject): string {
  return rawFromDer(sign('sha256', Buffer.from(input), privateKey)).toString('base64url');
}

/** Whether `signature` (base64url of r ‖ s) belongs to `input`. Never throws. */
export function verifyEs256(input: string, signature: string, publicKey: KeyObject): boolean {
  const raw = Buffer.from(signature, 'base64url');
  if (raw.length !== 2 * SCALAR_BYTES || raw.toString('base64url') !== signature) return false;
  return verify('sha256', Buffer.from(input), publicKey, derFromRaw(raw));
}

/** SEQUENCE { INTEGER r, INTEGER s } to r ‖ s, each left-padded to 32 bytes (RFC 3279 §2.2.3). */
export function rawFromDer(der: Buffer): Buffer {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw new Error('Not a DER signature');
  const r = scalarAt(der, 2);
  const s = scalarAt(der, r.end);
  if (s.end !== der.length) throw new Error('Not a DER signature');
  const raw = Buffer.alloc(2 * SCALAR_BYTES);
  r.digits.copy(raw, SCALAR_BYTES - r.digits.length);
  s.digits.copy(raw, 2 * SCALAR_BYTES - s.digits.length);
  return raw;
}

/** r ‖ s to DER: minimal integers, a zero in front where the top bit is set. */
export function derFromRaw(raw: Buffer): Buffer {
  const r = minimalInteger(raw.subarray(0, SCALAR_BYTES));
  const s = minimalInteger(raw.subarray(SCALAR_BYTES));
  const length = r.length + s.length + 4;
  return Buffer.concat([
    Buffer.from([0x30, length, 0x02, r.length]),
    r,
    Buffer.from([0x02, s.length]),
    s,
  ]);
}

/** A DER INTEGER of at most 32 digits, without the zero that marks it as positive. */
function scalarAt(der: Buffer, offset: number): { digits: Buffer; end: number } {
  const length = der[offset + 1] ?? 0;
  const start = offset + 2;
  const end = start + length;
  if (der[offset] !== 0x02 || length === 0 || length > SCALAR_BYTES + 1 || end > der.length) {
    throw new Error('Not a DER signature');
  }
  const isPadded = length === SCALAR_BYTES + 1;
  if (isPadded && der[start] !== 0) throw new Error('Not a P-256 scalar');
  return { digits: der.subarray(isPadded ? start + 1 : start, end), end };
}

function minimalInteger(scalar: Buffer): Buffer {
  let start = 0;
  while (start < scalar.length - 1 && scalar[start] === 0) start += 1;
  const digits = scalar.subarray(start);
  return (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits;
}
