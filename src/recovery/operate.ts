import { lockAccountById } from '../entry/store.ts';
import type { Random } from '../platform/random.ts';
import { beginLockdown } from './lock-down.ts';
import type { BeginLockdownDeps } from './lock-down.ts';
import { clearLockdown } from './store-lockdown.ts';
import { tell } from './tell.ts';
import type { Act } from './tell.ts';

export type OperateDeps = BeginLockdownDeps;

/**
 * An operator locks an account down; says how many sessions ended, nothing if there is no such account.
 * Replicas learn of the ended sessions from the feed.
 */
export async function lockAsOperator(
  deps: OperateDeps,
  accountId: string,
): Promise<number | undefined> {
  return deps.db.tx(async (tx) => {
    if (!(await lockAccountById(tx, accountId))) return undefined;
    const act = operatorsAct(deps, accountId);
    return (await beginLockdown(deps, tx, { ...act, by: 'operator' })).length;
  });
}

/** An operator lifts any lockdown; false if the account has none. */
export async function unlockAsOperator(deps: OperateDeps, accountId: string): Promise<boolean> {
  return deps.db.tx(async (tx) => {
    if (!(await lockAccountById(tx, accountId))) return false;
    if (!(await clearLockdown(tx, accountId, 'operator'))) return false;
    const details = { by: 'operator', state: 'lifted' };
    const event = { type: 'account.lockdown_lifted', event: 'LOCKDOWN', details } as const;
    await tell(deps, tx, { ...operatorsAct(deps, accountId), ...event });
    return true;
  });
}

/** No network took part. */
function operatorsAct(deps: { readonly random: Random }, accountId: string): Act {
  const origin = { requestId: deps.random.uuid(), addressUnit: '', ipPrefix: '' };
  return { accountId, actor: 'operator', origin };
}
