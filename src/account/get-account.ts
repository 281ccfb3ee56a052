import { appendAudit } from '../audit/append.ts';
import { lockAccountById } from '../entry/store.ts';
import { phoneKeyOf } from '../phone/limits.ts';
import { isRefusing, liftRefusal } from '../phone/store.ts';
import type { Digest } from '../platform/digest.ts';
import type { Database } from '../platform/postgres.ts';
import { sessionRevoked } from '../session/authenticate.ts';
import { requireSeniority } from '../session/seniority.ts';
import type { SeniorityDeps } from '../session/seniority.ts';
import type { Bearer } from '../token/principal.ts';
import { selectOwnAccount } from './store-account.ts';
import type { OwnAccountRow } from './store-account.ts';

export type OwnAccountDeps = SeniorityDeps & {
  readonly db: Database;
  readonly digest: Digest;
  readonly config: { readonly refusingFailures: number };
};

export type OwnAccount = OwnAccountRow & {
  /** Strange addresses get no codes for its number. */
  readonly isNumberRefusing: boolean;
};

/** What this service knows of the bearer's account. */
export async function getOwnAccount(
  deps: OwnAccountDeps,
  { principal }: Bearer,
): Promise<OwnAccount> {
  const account = await selectOwnAccount(deps.db, principal.accountId);
  if (!account) throw sessionRevoked();
  if (account.phone === null) return { ...account, isNumberRefusing: false };
  const phoneKey = phoneKeyOf(deps.digest, account.phone);
  const isNumberRefusing = await isRefusing(deps.db, phoneKey, deps.config.refusingFailures);
  return { ...account, isNumberRefusing };
}

/**
 * Lets strange addresses ask for codes again; a number that refuses nobody stays as it is, or a
 * session could shorten the waits between guesses. @throws STEP_UP_REQUIRED
 */
export async function liftNumberRefusal(
  deps: OwnAccountDeps,
  { principal, origin }: Bearer,
): Promise<void> {
  const { accountId, deviceId, sessionId } = principal;
  await deps.db.tx(async (tx) => {
    const account = await lockAccountById(tx, accountId);
    if (!account) throw sessionRevoked();
    await requireSeniority(deps, tx, principal);
    if (account.phone === null) return;
    const phoneKey = phoneKeyOf(deps.digest, account.phone);
    if (!(await liftRefusal(tx, phoneKey, deps.config.refusingFailures))) return;
    const about = { actor: 'account', origin, accountId, deviceId, sessionId } as const;
    await appendAudit(tx, { ...about, type: 'account.number_refusal_lifted' });
  });
}
