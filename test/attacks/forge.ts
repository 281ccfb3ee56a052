import { createHmac, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { loadConfig } from '../../src/config.ts';
import { Sealer } from '../../src/platform/seal.ts';
import { signEs256 } from '../../src/token/es256.ts';
import { openPrivateKey } from '../../src/token/signing-key.ts';
import type { KeyPurpose, SigningKeyRow } from '../../src/token/store.ts';
import type { TestApp } from '../support/app.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Signs the two encoded parts of a token. */
export type Sign = (input: string) => string;

/** A compact JWS of any header, any claims and any signature. */
export function forge(header: Fields, claims: Fields, sign: Sign): string {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${sign(input)}`;
}

/** The two readable parts of a token. */
export function partsOf(token: string): { header: Fields; claims: Fields } {
  const [header = '', claims = ''] = token.split('.');
  return { header: decode(header), claims: decode(claims) };
}

/** A service's signing key as somebody would hold it who broke both the database and its envelope. */
export async function stolenKey(
  app: TestApp,
  purpose: KeyPurpose,
): Promise<{ kid: string; privateKey: KeyObject; publicJwk: Fields }> {
  const [row] = await app.sql<SigningKeyRow>(
    `SELECT kid, purpose, state, public_jwk AS "publicJwk", private_sealed AS "privateSealed"
       FROM signing_keys WHERE purpose = $1 AND state = 'active'`,
    [purpose],
  );
  if (!row) throw new Error(`No active key for ${purpose}`);
  const sealer = new Sealer(loadConfig(app.settings).keyEncryptionKeys.reveal());
  return {
    kid: row.kid,
    privateKey: openPrivateKey(sealer, row),
    publicJwk: { ...row.publicJwk },
  };
}

/** A key pair of the attacker's own. */
export function ownKey(): { privateKey: KeyObject; publicJwk: Fields } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey, publicJwk: { ...publicKey.export({ format: 'jwk' }) } };
}

export function byEs256(privateKey: KeyObject): Sign {
  return (input) => signEs256(input, privateKey);
}

export function byHs256(secret: string | Buffer): Sign {
  return (input) => createHmac('sha256', secret).update(input).digest('base64url');
}

function encode(value: Fields): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(part: string): Fields {
  const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value))
    : {};
}
