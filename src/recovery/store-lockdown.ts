import type { E164 } from '../phone/number.ts';
import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';

export type LockedBy = 'owner' | 'operator';

export type LockdownRow = {
  accountId: string;
  hasSecondFactor: boolean;
  /** Null while the account is not locked down. */
  by: LockedBy | null;
  /** Whether the time has passed after which the number alone lifts it. */
  isRipe: boolean;
  ripeAt: Date | null;
};

/** The number's account and its lockdown; who acts on it reads it under the account's lock. */
export async function selectLockdown(
  db: Queryable,
  phone: E164,
  liftSeconds: number,
): Promise<LockdownRow | undefined> {
  const [row] = await db.query<LockdownRow>(SELECT_LOCKDOWN, [phone, liftSeconds]);
  return row;
}

const SELECT_LOCKDOWN = sql(
  'recovery.select_lockdown',
  `SELECT id AS "accountId", two_factor_enabled AS "hasSecondFactor", locked_down_by AS by,
          coalesce(locked_down_at <= now() - make_interval(secs => $2), false) AS "isRipe",
          locked_down_at + make_interval(secs => $2) AS "ripeAt"
     FROM users_auth WHERE phone_number = $1`,
);

/** Locks the account down; an operator's lockdown replaces an owner's, never the other way round. */
export async function setLockdown(tx: Tx, accountId: string, by: LockedBy): Promise<void> {
  await tx.query(SET_LOCKDOWN, [accountId, by]);
}

const SET_LOCKDOWN = sql(
  'recovery.set_lockdown',
  `UPDATE users_auth SET locked_down_at = coalesce(locked_down_at, now()), locked_down_by = $2,
          updated_at = now()
    WHERE id = $1 AND (locked_down_by IS NULL OR $2 = 'operator')`,
);

/** Ends the account's lockdown if `by` began it, or whoever did for an operator; false if not. */
export async function clearLockdown(tx: Tx, accountId: string, by: LockedBy): Promise<boolean> {
  const rows = await tx.query(CLEAR_LOCKDOWN, [accountId, by]);
  return rows.length === 1;
}

const CLEAR_LOCKDOWN = sql(
  'recovery.clear_lockdown',
  `UPDATE users_auth SET locked_down_at = NULL, locked_down_by = NULL, updated_at = now()
    WHERE id = $1 AND locked_down_at IS NOT NULL AND (locked_down_by = $2 OR $2 = 'operator')
   RETURNING id`,
);
