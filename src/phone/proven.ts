import { DomainError } from '../errors.ts';
import type { Digest } from '../platform/digest.ts';
import type { Database, Queryable, Tx } from '../platform/postgres.ts';
import type { RedisStore } from '../platform/redis.ts';
import { unknown } from './check.ts';
import { scopeOf } from './code.ts';
import type { Purpose } from './code.ts';
import type { E164 } from './number.ts';
import { readRecord } from './record.ts';
import {
  consumeVerification,
  endVerificationsOf,
  isConsumed,
  selectProofState,
} from './store-proof.ts';
import type { Proof } from './store-proof.ts';

export type ProofDeps = { readonly redis: RedisStore; readonly db: Database };

/** A verification that somebody presents as confirmed. */
export interface Presented {
  readonly verificationId: string;
  readonly purpose: Purpose;
  /** Whom it must be reserved to. */
  readonly owner?: string;
}

/**
 * What a confirmed verification proves. Reading neither uses it up nor says that it may be used:
 * that is `requireLiving` and `spend`, in the transaction of what it pays for.
 * @throws VERIFICATION_UNKNOWN, VERIFICATION_UNCONFIRMED, VERIFICATION_SPENT, STORE_UNAVAILABLE
 */
export async function readProof(deps: ProofDeps, presented: Presented): Promise<Proof> {
  const { verificationId, purpose, owner } = presented;
  const record = await readRecord(deps.redis, verificationId, scopeOf(purpose, owner));
  switch (record.status) {
    case 'confirmed':
      return { ...record, verificationId };
    case 'unconfirmed':
      throw new DomainError(
        'VERIFICATION_UNCONFIRMED',
        'Please enter the code that was sent to you first.',
      );
    case 'unknown':
      throw (await isConsumed(deps.db, verificationId)) ? spent() : unknown();
    default:
      return record satisfies never;
  }
}

/**
 * Why a proof is worth nothing any more: it was used, or its number changed hands. To be asked under
 * the lock of the number's account, before anything of that account is told.
 */
export async function proofRefusal(db: Queryable, proof: Proof): Promise<DomainError | undefined> {
  const { isSpent, isEnded } = await selectProofState(db, proof);
  if (isSpent) return spent();
  return isEnded ? unknown() : undefined;
}

/** The same, where it ends the call. @throws VERIFICATION_UNKNOWN, VERIFICATION_SPENT */
export async function requireLiving(db: Queryable, proof: Proof): Promise<void> {
  const refusal = await proofRefusal(db, proof);
  if (refusal) throw refusal;
}

/** Uses a proof up, for exactly one caller. @throws VERIFICATION_UNKNOWN, VERIFICATION_SPENT */
export async function spend(tx: Tx, proof: Proof): Promise<void> {
  if (await consumeVerification(tx, proof)) return;
  throw (await proofRefusal(tx, proof)) ?? spent();
}

/**
 * A number changes hands: every verification of it ends with the caller's commit, whatever Redis
 * still holds. Under every pepper in use: another replica may have asked under another one.
 */
export async function endVerifications(
  deps: { readonly digest: Digest },
  tx: Tx,
  phones: readonly E164[],
): Promise<void> {
  await endVerificationsOf(
    tx,
    phones.flatMap((phone) => deps.digest.every('phone', [phone])),
  );
}

export function spent(): DomainError {
  const message = 'This verification was used already. Please request a new code.';
  return new DomainError('VERIFICATION_SPENT', message);
}
