import { timingSafeEqual } from 'node:crypto';
import type { Digest } from '../platform/digest.ts';
import type { E164 } from './number.ts';

/** What a code is for; a code of one purpose is worth nothing for another. */
export type Purpose = 'register' | 'login' | 'change_old' | 'change_new';

/** A purpose, and whom its codes are reserved to: nobody else can confirm or use them. */
export type Scope = Purpose | `${Purpose}:${string}`;

/** A code as it is stored: HMAC-SHA-256 under a pepper that is in no store. */
export interface StoredCode {
  readonly kid: string;
  readonly mac: string;
}

export interface CodeBinding {
  readonly verificationId: string;
  readonly scope: Scope;
  readonly phone: E164;
}

/** A code that somebody entered, and what it is compared with. */
export interface CodeAttempt {
  readonly binding: CodeBinding;
  readonly code: string;
  readonly stored: StoredCode;
}

export const CODE_DIGITS = 6;

export function scopeOf(purpose: Purpose, owner: string | undefined): Scope {
  return owner === undefined ? purpose : `${purpose}:${owner}`;
}

export function storeCode(digest: Digest, binding: CodeBinding, code: string): StoredCode {
  const { kid, value } = digest.current('verification.code', partsOf(binding, code));
  return { kid, mac: value.toString('base64') };
}

/** Compares in constant time; false too when the pepper of the stored code was dropped. */
export function matchesCode(digest: Digest, attempt: CodeAttempt): boolean {
  const { binding, code, stored } = attempt;
  const expected = Buffer.from(stored.mac, 'base64');
  const given = digest.under(stored.kid, 'verification.code', partsOf(binding, code));
  return given?.length === expected.length && timingSafeEqual(given, expected);
}

function partsOf({ verificationId, scope, phone }: CodeBinding, code: string): string[] {
  return [verificationId, scope, phone, code];
}
