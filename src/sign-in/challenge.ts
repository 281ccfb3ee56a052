import { createHash } from 'node:crypto';
import { appendAudit } from '../audit/append.ts';
import { DomainError } from '../errors.ts';
import type { ErrorDetail } from '../errors.ts';
import { insertLoginAttempt } from '../entry/store-history.ts';
import { bundleToJson } from '../keys/bundle-json.ts';
import { addressKeyOf } from '../phone/limits.ts';
import type { E164 } from '../phone/number.ts';
import type { Digest } from '../platform/digest.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import type { EntryRequest } from './register.ts';
import { insertChallenge } from './store-challenge.ts';

export interface ChallengeDeps {
  readonly random: Random;
  readonly digest: Digest;
  readonly config: { readonly challengeSeconds: number };
}

/** What the client answers with its second factor. */
export interface Challenge {
  /** 256 bits, base64url. Whoever holds it has proven the number; only its hash is stored. */
  readonly token: string;
  readonly expiresAt: Date;
}

const TOKEN_BYTES = 32;

/**
 * Turns a proven number into a challenge, in the transaction that used the verification up. The
 * device and its keys are stored with it, so its answer opens a session of that device only.
 */
export async function startChallenge(
  deps: ChallengeDeps,
  tx: Tx,
  login: EntryRequest & { readonly accountId: string; readonly phone: E164 },
): Promise<Challenge> {
  const { accountId, device, bundle, origin } = login;
  const token = deps.random.bytes(TOKEN_BYTES).toString('base64url');
  const expiresAt = await insertChallenge(tx, {
    ...login,
    id: challengeId(token),
    bundle: bundle && bundleToJson(bundle),
    seconds: deps.config.challengeSeconds,
  });
  if (!expiresAt) throw new Error('INSERT … RETURNING gave no challenge');
  const about = { accountId, deviceId: device.id, origin };
  const addressKey = addressKeyOf(deps.digest, origin.addressUnit);
  await insertLoginAttempt(tx, { ...about, addressKey, status: 'challenged', reason: undefined });
  await appendAudit(tx, { ...about, type: 'session.challenged', actor: 'anonymous' });
  return { token, expiresAt };
}

/** Under what a challenge is stored: reading the database does not let anybody answer it. */
export function challengeId(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** What the client does next. */
export function twoFactorRequired(details: readonly ErrorDetail[]): DomainError {
  const message = 'This account has a second factor. Please enter its code.';
  return new DomainError('TWO_FACTOR_REQUIRED', message, { details });
}

export function challengeInvalid(): DomainError {
  return new DomainError('CHALLENGE_INVALID', 'This sign-in is over. Please start again.');
}

/** A stolen challenge must not ride on somebody's session, nor a session on a challenge. */
export function challengeWithBearer(): DomainError {
  const message = 'A sign-in that waits for its second factor needs no session.';
  const description = 'cannot be sent together with a bearer token';
  return new DomainError('VALIDATION_FAILED', message, {
    violations: [{ field: 'challenge', description }],
  });
}

/** An empty code is no guess, so nothing is counted. */
export function codeMissing(): DomainError {
  return new DomainError('VALIDATION_FAILED', 'Please enter the code of your second factor.', {
    violations: [{ field: 'token', description: 'is required' }],
  });
}
