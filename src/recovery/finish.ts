import type { Origin } from '../audit/append.ts';
import type { Refused } from '../entry/enter.ts';
import { lockAccount, lockAccountById } from '../entry/store.ts';
import { lockedDown } from '../entry/turn-away.ts';
import { DomainError } from '../errors.ts';
import { readProof, requireLiving } from '../phone/proven.ts';
import type { ProofDeps } from '../phone/proven.ts';
import type { Proof } from '../phone/store-proof.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import type { Bearer } from '../token/principal.ts';
import { disableFactor } from '../two-factor/prove.ts';
import { cancelRecovery, completeRecovery, selectReadyAt } from './store.ts';
import { refuseProven, tell } from './tell.ts';
import type { TellDeps } from './tell.ts';

export type CancelDeps = TellDeps & { readonly db: Database };
export type CompleteDeps = ProofDeps & TellDeps;

/** Every session of the account may, junior ones too: it only keeps things as they are. @throws RECOVERY_NOT_FOUND */
export async function cancelOwnRecovery(
  deps: CancelDeps,
  { principal, origin }: Bearer,
  recoveryId: string,
): Promise<void> {
  const { accountId } = principal;
  await deps.db.tx(async (tx) => {
    await lockAccountById(tx, accountId);
    if (!(await cancelRecovery(tx, { id: recoveryId, accountId }))) throw recoveryNotFound();
    const details = { outcome: 'cancelled' };
    const event = { type: 'recovery.cancelled', event: 'RECOVERY_ENDED', details } as const;
    await tell(deps, tx, { ...event, accountId, actor: 'account', origin, principal });
  });
}

export interface Completion {
  readonly recoveryId: string;
  readonly verificationId: string;
  readonly origin: Origin;
}

/**
 * Turns the lost factor off once the wait is over, for whoever proves the number again and knows the
 * recovery's id. The verification is not used up, so that Login may follow. An account that lost the
 * number, or was deleted, is not the number's account any more: its recovery is not found.
 * @throws VERIFICATION_UNKNOWN, VERIFICATION_UNCONFIRMED, VERIFICATION_SPENT, RECOVERY_NOT_FOUND,
 *   RECOVERY_WAITING, ACCOUNT_LOCKED_DOWN, STORE_UNAVAILABLE
 */
export async function completeOwnRecovery(
  deps: CompleteDeps,
  completion: Completion,
): Promise<void> {
  const { verificationId } = completion;
  const proof = await readProof(deps, { verificationId, purpose: 'login' });
  const outcome = await deps.db.tx((tx) => complete(deps, tx, { ...completion, proof }));
  if (outcome.status === 'refused') throw outcome.error;
}

async function complete(
  deps: CompleteDeps,
  tx: Tx,
  { recoveryId: id, proof, origin }: Completion & { readonly proof: Proof },
): Promise<Refused | { readonly status: 'completed' }> {
  const account = await lockAccount(tx, proof.phone);
  await requireLiving(tx, proof);
  const about = { type: 'recovery.complete_refused', origin } as const;
  if (!account) return refuseProven(tx, recoveryNotFound(), about);
  const accountId = account.id;
  if (account.lockedDownBy) {
    return refuseProven(tx, lockedDown(account.lockedDownBy), { ...about, accountId });
  }
  if (!(await completeRecovery(tx, { id, accountId }))) {
    const readyAt = await selectReadyAt(tx, { id, accountId });
    const error = readyAt ? waiting(readyAt) : recoveryNotFound();
    return refuseProven(tx, error, { ...about, accountId });
  }
  await disableFactor(tx, accountId);
  const details = { outcome: 'completed' };
  const event = { type: 'recovery.completed', event: 'RECOVERY_ENDED', details } as const;
  await tell(deps, tx, { ...event, accountId, actor: 'anonymous', origin });
  return { status: 'completed' };
}

function waiting(readyAt: Date): DomainError {
  const metadata = { ready_at: readyAt.toISOString() };
  const message = 'This recovery can be completed 7 days after it was started.';
  return new DomainError('RECOVERY_WAITING', message, { metadata });
}

function recoveryNotFound(): DomainError {
  return new DomainError('RECOVERY_NOT_FOUND', 'There is no such recovery.');
}
