import { appendAudit } from '../audit/append.ts';
import type { Refused } from '../entry/enter.ts';
import { endRecovery } from '../entry/end-recovery.ts';
import { changeNumber, lockAccountById } from '../entry/store.ts';
import type { AccountRow } from '../entry/store.ts';
import { DomainError } from '../errors.ts';
import { appendEvent } from '../outbox/append.ts';
import { unknown } from '../phone/check.ts';
import { phoneKeyOf } from '../phone/limits.ts';
import type { E164 } from '../phone/number.ts';
import { endVerifications, readProof, requireLiving, spend } from '../phone/proven.ts';
import { forgetRecord } from '../phone/record.ts';
import type { Proof } from '../phone/store-proof.ts';
import type { Digest } from '../platform/digest.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import type { RedisStore } from '../platform/redis.ts';
import { sessionRevoked } from '../session/authenticate.ts';
import { isHeldBack, requireSeniority, stepUpRequired } from '../session/seniority.ts';
import type { SeniorityDeps } from '../session/seniority.ts';
import type { Bearer } from '../token/principal.ts';
import { claimFactor, factorCodeWrong, giveTryBack, matchFactor } from '../two-factor/prove.ts';
import type { MatchDeps, MatchedFactor } from '../two-factor/prove.ts';
import { numberUnchanged, ownerOf } from './own-number.ts';
import { isOldSession } from './store-account.ts';

export type ChangeNumberDeps = SeniorityDeps &
  MatchDeps & {
    readonly db: Database;
    readonly redis: RedisStore;
    readonly random: Random;
    readonly digest: Digest;
    readonly config: { readonly numberChangeSessionSeconds: number };
  };

export interface NumberChange {
  readonly newVerificationId: string;
  readonly oldVerificationId: string | undefined;
  /** Authenticator or backup code; empty when it is not among the proofs. */
  readonly token: string;
}

interface Proven {
  readonly bearer: Bearer;
  readonly proof: Proof;
  readonly oldProof: Proof | undefined;
  readonly factor: MatchedFactor | undefined;
}

/**
 * Gives the account the proven number, in one transaction under the account's lock. Beside the new
 * number it takes one more proof; every proof that is given must hold. Whoever held either number
 * before has nothing left that proves it, and a recovery that stood on the old one is over.
 * @throws VERIFICATION_UNKNOWN, VERIFICATION_UNCONFIRMED, VERIFICATION_SPENT, TWO_FACTOR_CODE_WRONG,
 *   TWO_FACTOR_LOCKED, NUMBER_TAKEN, NUMBER_UNCHANGED, STEP_UP_REQUIRED, STORE_UNAVAILABLE
 */
export async function changePhoneNumber(
  deps: ChangeNumberDeps,
  bearer: Bearer,
  change: NumberChange,
): Promise<E164> {
  if (await isHeldBack(deps, deps.db, bearer.principal.sessionId)) throw stepUpRequired();
  const proven = await readProofs(deps, bearer, change);
  const { proof, oldProof } = proven;
  const outcome = await deps.db.tx((tx) => decide(deps, tx, proven));
  if (outcome.status === 'refused') {
    if (proven.factor) await giveTryBack(deps, bearer.principal.accountId);
    throw outcome.error;
  }
  await forgetRecord(deps.redis, proof.verificationId);
  if (oldProof) await forgetRecord(deps.redis, oldProof.verificationId);
  return proof.phone;
}

async function readProofs(
  deps: ChangeNumberDeps,
  bearer: Bearer,
  change: NumberChange,
): Promise<Proven> {
  const { principal, origin } = bearer;
  const owner = ownerOf(principal);
  const read = (verificationId: string, purpose: 'change_old' | 'change_new') =>
    readProof(deps, { verificationId, purpose, owner });
  const proof = await read(change.newVerificationId, 'change_new');
  const { oldVerificationId, token: code } = change;
  const oldProof =
    oldVerificationId === undefined ? undefined : await read(oldVerificationId, 'change_old');
  const proofs = { bearer, proof, oldProof };
  if (code === '') return { ...proofs, factor: undefined };
  const { accountId } = principal;
  const kinds = ['totp', 'backup_code'] as const;
  const match = await matchFactor(deps, { accountId, code, kinds, origin });
  if (match.status === 'refused') throw match.error;
  return { ...proofs, factor: match.factor };
}

/** What is thrown here rolls everything back; a refusal that is returned leaves its audit row. */
async function decide(
  deps: ChangeNumberDeps,
  tx: Tx,
  proven: Proven,
): Promise<Refused | { readonly status: 'changed' }> {
  const { bearer, proof, oldProof, factor } = proven;
  const account = await lockAccountById(tx, bearer.principal.accountId);
  if (!account) throw sessionRevoked();
  await requireSeniority(deps, tx, bearer.principal);
  await requireProofs(deps, tx, { ...proven, account });
  if (account.phone === proof.phone) throw numberUnchanged();
  if (!(await changeNumber(tx, { id: account.id, phone: proof.phone }))) {
    return refuseTaken(tx, bearer);
  }
  await spend(tx, proof);
  if (oldProof) await spend(tx, oldProof);
  if (factor && !(await claimFactor(tx, account.id, factor))) throw factorCodeWrong();
  const freed = account.phone === null ? [] : [account.phone];
  await endVerifications(deps, tx, [proof.phone, ...freed]);
  await tell(deps, tx, { ...proven, account });
  return { status: 'changed' };
}

type Asked = Proven & { readonly account: AccountRow };

/** The old number, a second factor or an old session: without one of them a stolen token would do. */
async function requireProofs(deps: ChangeNumberDeps, tx: Tx, asked: Asked): Promise<void> {
  const { bearer, proof, oldProof, factor, account } = asked;
  await requireLiving(tx, proof);
  if (oldProof) {
    if (oldProof.phone !== account.phone) throw unknown();
    await requireLiving(tx, oldProof);
    return;
  }
  if (factor) return;
  const { sessionId } = bearer.principal;
  const isOld = await isOldSession(tx, sessionId, deps.config.numberChangeSessionSeconds);
  if (!isOld) throw stepUpRequired();
}

/**
 * Told only to whoever proved the number, as Register tells it. Also for a dormant account: taking a
 * number over gives its account up, and only a new account asks for that in so many words.
 */
async function refuseTaken(tx: Tx, { principal, origin }: Bearer): Promise<Refused> {
  const error = new DomainError('NUMBER_TAKEN', 'This number belongs to another account.');
  const { accountId, deviceId, sessionId } = principal;
  await appendAudit(tx, {
    type: 'account.number_change_refused',
    actor: 'account',
    origin,
    refusal: error.reason,
    ...{ accountId, deviceId, sessionId },
  });
  return { status: 'refused', error };
}

async function tell(deps: ChangeNumberDeps, tx: Tx, changed: Asked): Promise<void> {
  const { bearer, proof, oldProof, factor, account } = changed;
  const { origin } = bearer;
  const { accountId, deviceId, sessionId } = bearer.principal;
  const about = { actor: 'account', origin, accountId, deviceId, sessionId } as const;
  const by = oldProof ? 'old_number' : (factor?.kind ?? 'old_session');
  await appendAudit(tx, { ...about, type: 'account.number_changed', details: { by } });
  await appendEvent(tx, {
    kind: 'phone.changed',
    id: deps.random.uuid(),
    accountId,
    phoneNumber: proof.phone,
    phoneKey: phoneKeyOf(deps.digest, proof.phone),
    ...(account.phone !== null && { freedPhoneKey: phoneKeyOf(deps.digest, account.phone) }),
  });
  const attributes = { ipPrefix: origin.ipPrefix };
  const event = { kind: 'security', accountId, deviceId, attributes } as const;
  await appendEvent(tx, { ...event, id: deps.random.uuid(), event: 'NUMBER_CHANGED' });
  await endRecovery(deps, tx, { ...about, outcome: 'number_changed' });
}
