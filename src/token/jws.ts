import type { KeyObject } from 'node:crypto';
import { signEs256, verifyEs256 } from './es256.ts';

/** The kinds of token; `typ` keeps one from being taken for another (RFC 8725 §3.11). */
export type TokenType = 'at+jwt' | 'rt+jwt' | 'ws+jwt';

export type Claims = Readonly<Record<string, unknown>>;

/** A key that signs, with its encoded headers kept: they are the same in every token. */
export interface Signer {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/** The public key named `kid`, or nothing. */
export type FindKey = (kid: string) => KeyObject | undefined;

export type Verified =
  | { readonly status: 'valid'; readonly claims: Claims }
  | { readonly status: 'unknown_key'; readonly kid: string }
  | { readonly status: 'invalid' };

const MAX_TOKEN_LENGTH = 4096;
const INVALID: Verified = { status: 'invalid' };
const headers = new Map<string, string>();

/** A compact JWS whose header is exactly alg, typ and kid. */
export function signJws(type: TokenType, claims: Claims, signer: Signer): string {
  const input = `${headerFor(type, signer.kid)}.${encode(claims)}`;
  return `${input}.${signEs256(input, signer.privateKey)}`;
}

/**
 * Checks form, header and signature; time and audience are the caller's. `alg` and `typ` come from
 * the code, never from the token; a header with any other member (crit, jku, jwk, x5u …) is refused.
 */
export function verifyJws(token: string, type: TokenType, findKey: FindKey): Verified {
  if (token.length > MAX_TOKEN_LENGTH) return INVALID;
  const [header = '', payload = '', signature = '', ...rest] = token.split('.');
  if (rest.length > 0) return INVALID;
  const kid = kidOf(header, type);
  if (kid === undefined) return INVALID;
  const key = findKey(kid);
  if (!key) return { status: 'unknown_key', kid };
  if (!verifyEs256(`${header}.${payload}`, signature, key)) return INVALID;
  const claims = decode(payload);
  return claims ? { status: 'valid', claims } : INVALID;
}

function headerFor(type: TokenType, kid: string): string {
  const known = headers.get(`${type} ${kid}`);
  if (known !== undefined) return known;
  const made = encode({ alg: 'ES256', typ: type, kid });
  headers.set(`${type} ${kid}`, made);
  return made;
}

function kidOf(header: string, type: TokenType): string | undefined {
  const fields = decode(header);
  if (fields?.['alg'] !== 'ES256' || fields['typ'] !== type) return undefined;
  const { kid } = fields;
  const isPlain = typeof kid === 'string' && kid.length <= 64 && Object.keys(fields).length === 3;
  return isPlain ? kid : undefined;
}

function encode(value: Claims): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
