import type { E164 } from '../phone/number.ts';
import { sql } from '../platform/postgres.ts';
import type { Tx } from '../platform/postgres.ts';

export type AccountRow = {
  id: string;
  /** Null after the number moved on. */
  phone: E164 | null;
  lockedDownBy: 'owner' | 'operator' | null;
  hasSecondFactor: boolean;
};

/** Opens an account on a number; false when the number has one. Waits for a rival to commit. */
export async function insertAccount(
  tx: Tx,
  account: { id: string; phone: E164 },
): Promise<boolean> {
  const rows = await tx.query(INSERT_ACCOUNT, [account.id, account.phone]);
  return rows.length === 1;
}

const INSERT_ACCOUNT = sql(
  'entry.insert_account',
  `INSERT INTO users_auth (id, phone_number, last_authenticated_at) VALUES ($1, $2, now())
   ON CONFLICT (phone_number) DO NOTHING RETURNING id`,
);

const ACCOUNT_COLUMNS = `
  id, phone_number AS phone, two_factor_enabled AS "hasSecondFactor",
  CASE WHEN locked_down_at IS NOT NULL THEN locked_down_by END AS "lockedDownBy"`;

/** The number's account, locked until the transaction ends: entries to one account take turns. */
export async function lockAccount(tx: Tx, phone: E164): Promise<AccountRow | undefined> {
  const [row] = await tx.query<AccountRow>(LOCK_ACCOUNT, [phone]);
  return row;
}

const LOCK_ACCOUNT = sql(
  'entry.lock_account',
  `SELECT ${ACCOUNT_COLUMNS} FROM users_auth WHERE phone_number = $1 FOR UPDATE`,
);

/** The same by the account's id. */
export async function lockAccountById(tx: Tx, accountId: string): Promise<AccountRow | undefined> {
  const [row] = await tx.query<AccountRow>(LOCK_ACCOUNT_BY_ID, [accountId]);
  return row;
}

const LOCK_ACCOUNT_BY_ID = sql(
  'entry.lock_account_by_id',
  `SELECT ${ACCOUNT_COLUMNS} FROM users_auth WHERE id = $1 FOR UPDATE`,
);

/**
 * Whether the account's last session ended longer ago than `dormantSeconds`. The caller holds its
 * lock: a statement of its own sees what a rival committed while this one waited for the lock.
 * Ended sessions are kept for 90 days; an account without any is as old as its last proof.
 */
export async function isDormant(
  tx: Tx,
  accountId: string,
  dormantSeconds: number,
): Promise<boolean> {
  const rows = await tx.query(IS_DORMANT, [accountId, dormantSeconds]);
  return rows.length === 1;
}

const IS_DORMANT = sql(
  'entry.is_dormant',
  `SELECT u.id FROM users_auth u
    WHERE u.id = $1
      AND coalesce((SELECT max(least(coalesce(s.revoked_at, s.idle_expires_at), s.idle_expires_at))
                      FROM sessions s WHERE s.user_id = u.id),
                   u.last_authenticated_at, u.created_at) < now() - make_interval(secs => $2)`,
);

export async function recordAuthentication(tx: Tx, accountId: string): Promise<void> {
  await tx.query(RECORD_AUTHENTICATION, [accountId]);
}

const RECORD_AUTHENTICATION = sql(
  'entry.record_authentication',
  'UPDATE users_auth SET last_authenticated_at = now(), updated_at = now() WHERE id = $1',
);
