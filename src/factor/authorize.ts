import { lockAccountById } from '../entry/store.ts';
import type { AccountRow } from '../entry/store.ts';
import type { DomainError } from '../errors.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { LimitPolicies } from '../limits/policy.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import { isHeldBack, requireSeniority, stepUpRequired } from '../session/seniority.ts';
import type { SeniorityDeps } from '../session/seniority.ts';
import { sessionRevoked } from '../session/authenticate.ts';
import type { Bearer } from '../token/principal.ts';
import { claimFactor, factorCodeWrong, matchFactor } from '../two-factor/prove.ts';
import type { MatchDeps, MatchedFactor } from '../two-factor/prove.ts';
import { recordLateCode } from './tell.ts';

export type ChangeDeps = MatchDeps &
  SeniorityDeps & {
    readonly limiter: Limiter;
    readonly policies: Pick<LimitPolicies, 'backupSetsPerAccount'>;
  };

/** A change that was made, or why not: to be thrown after COMMIT, which keeps its audit row. */
export type Change =
  { readonly status: 'changed' } | { readonly status: 'refused'; readonly error: DomainError };

/**
 * Turns a session away that may not change factors before it can count misses of the account.
 * @throws STEP_UP_REQUIRED
 */
export async function screenJunior(
  deps: SeniorityDeps & { readonly db: Database },
  { principal }: Bearer,
): Promise<void> {
  if (await isHeldBack(deps, deps.db, principal.sessionId)) throw stepUpRequired();
}

/** The account under its lock, for a session that may change its factor. @throws STEP_UP_REQUIRED */
export async function lockForChange(
  deps: SeniorityDeps,
  tx: Tx,
  { principal }: Bearer,
): Promise<AccountRow> {
  const account = await lockAccountById(tx, principal.accountId);
  if (!account) throw sessionRevoked();
  await requireSeniority(deps, tx, principal);
  return account;
}

/**
 * A present code or a backup code of the account, not used up yet.
 * @throws STEP_UP_REQUIRED, TWO_FACTOR_CODE_WRONG, TWO_FACTOR_LOCKED, TWO_FACTOR_REFUSING,
 *   TWO_FACTOR_NOT_ENABLED, OVERLOADED
 */
export async function proveFactor(
  deps: ChangeDeps,
  bearer: Bearer,
  code: string,
): Promise<MatchedFactor> {
  await screenJunior(deps, bearer);
  const { accountId } = bearer.principal;
  const { origin } = bearer;
  const kinds = ['totp', 'backup_code'] as const;
  const match = await matchFactor(deps, { accountId, code, kinds, origin });
  if (match.status === 'refused') throw match.error;
  return match.factor;
}

/** Makes a change under the account's lock and uses the factor up for it. @throws STEP_UP_REQUIRED */
export async function changeFor(
  deps: ChangeDeps,
  proven: Bearer & { readonly factor: MatchedFactor },
  change: (tx: Tx) => Promise<void>,
): Promise<void> {
  const outcome = await deps.db.tx(async (tx): Promise<Change> => {
    await lockForChange(deps, tx, proven);
    if (!(await claimFactor(tx, proven.principal.accountId, proven.factor))) {
      await recordLateCode(tx, proven);
      return { status: 'refused', error: factorCodeWrong() };
    }
    await change(tx);
    return { status: 'changed' };
  });
  if (outcome.status === 'refused') throw outcome.error;
}
