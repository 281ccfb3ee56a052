import type { Origin } from '../audit/append.ts';
import type { Refused } from '../entry/enter.ts';
import { lockAccount } from '../entry/store.ts';
import { accountNotFound, lockedDown } from '../entry/turn-away.ts';
import { DomainError } from '../errors.ts';
import { readProof, requireLiving } from '../phone/proven.ts';
import type { ProofDeps } from '../phone/proven.ts';
import type { Proof } from '../phone/store-proof.ts';
import type { Tx } from '../platform/postgres.ts';
import { claimFactor, factorCodeWrong, matchFactor } from '../two-factor/prove.ts';
import type { MatchDeps, MatchedFactor } from '../two-factor/prove.ts';
import { clearLockdown, selectLockdown } from './store-lockdown.ts';
import type { LockdownRow } from './store-lockdown.ts';
import { refuseProven, tell } from './tell.ts';
import type { TellDeps } from './tell.ts';

export type LiftLockdownDeps = ProofDeps &
  MatchDeps &
  TellDeps & { readonly config: { readonly lockdownLiftSeconds: number } };

export interface LiftRequest {
  readonly verificationId: string;
  /** Authenticator or backup code; empty when none was given. */
  readonly token: string;
  readonly origin: Origin;
}

interface Lift {
  readonly proof: Proof;
  readonly factor: MatchedFactor | undefined;
  readonly origin: Origin;
}

/**
 * Ends an owner's lockdown. The verification is not used up, so that Login may follow; guessing the
 * second factor with it gains nothing, because misses count on the account. An account that is not
 * locked down stays as it is.
 * @throws VERIFICATION_UNKNOWN, VERIFICATION_UNCONFIRMED, VERIFICATION_SPENT, ACCOUNT_NOT_FOUND,
 *   ACCOUNT_LOCKED_DOWN, LOCKDOWN_WAITING, TWO_FACTOR_REQUIRED, TWO_FACTOR_CODE_WRONG,
 *   TWO_FACTOR_LOCKED, STORE_UNAVAILABLE
 */
export async function liftLockdown(deps: LiftLockdownDeps, request: LiftRequest): Promise<void> {
  const { verificationId, origin } = request;
  const proof = await readProof(deps, { verificationId, purpose: 'login' });
  const factor = await proveFactor(deps, request, proof);
  const outcome = await deps.db.tx((tx) => decide(deps, tx, { proof, factor, origin }));
  if (outcome.status === 'refused') throw outcome.error;
}

/** Outside of any transaction: comparing a backup code takes long. Whatever it read, `decide` reads again. */
async function proveFactor(
  deps: LiftLockdownDeps,
  { token: code, origin }: LiftRequest,
  proof: Proof,
): Promise<MatchedFactor | undefined> {
  if (code === '') return undefined;
  await requireLiving(deps.db, proof);
  const account = await selectLockdown(deps.db, proof.phone, deps.config.lockdownLiftSeconds);
  if (account?.by !== 'owner' || !account.hasSecondFactor) return undefined;
  const { accountId } = account;
  const kinds = ['totp', 'backup_code'] as const;
  const match = await matchFactor(deps, { accountId, code, kinds, origin });
  if (match.status === 'refused') throw match.error;
  return match.factor;
}

async function decide(
  deps: LiftLockdownDeps,
  tx: Tx,
  { proof, factor, origin }: Lift,
): Promise<Refused | { readonly status: 'lifted' }> {
  await lockAccount(tx, proof.phone);
  await requireLiving(tx, proof);
  const account = await selectLockdown(tx, proof.phone, deps.config.lockdownLiftSeconds);
  const accountId = account?.accountId;
  const refusal = refusalOf(account, factor);
  const about = { type: 'account.lockdown_lift_refused', origin, accountId } as const;
  if (refusal) return refuseProven(tx, refusal, about);
  if (accountId === undefined || !account?.by) return { status: 'lifted' };
  if (factor && !(await claimFactor(tx, accountId, factor))) throw factorCodeWrong();
  await clearLockdown(tx, accountId, 'owner');
  const details = { by: 'owner', state: 'lifted' };
  const event = { type: 'account.lockdown_lifted', event: 'LOCKDOWN', details } as const;
  await tell(deps, tx, { ...event, accountId, actor: 'account', origin });
  return { status: 'lifted' };
}

/** Why the lockdown stays; nothing for an account that has none. */
function refusalOf(
  account: LockdownRow | undefined,
  factor: MatchedFactor | undefined,
): DomainError | undefined {
  if (!account) return accountNotFound();
  if (account.by === null) return undefined;
  if (account.by === 'operator') return lockedDown('operator');
  if (account.hasSecondFactor) {
    const message = 'Please enter a code of your authenticator app, or a backup code.';
    return factor ? undefined : new DomainError('TWO_FACTOR_REQUIRED', message);
  }
  if (account.isRipe) return undefined;
  const metadata = { ready_at: account.ripeAt?.toISOString() ?? '' };
  const message = 'The lockdown can be lifted 24 hours after it began.';
  return new DomainError('LOCKDOWN_WAITING', message, { metadata });
}
