import type { E164 } from '../phone/number.ts';
import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';

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
 * Whether the account's last session ended longer ago than `dormantSeconds`. Who acts on the answer
 * holds the account's lock: a statement of its own sees what a rival committed meanwhile.
 * Ended sessions are kept for 90 days; an account without any is as old as its last proof.
 */
export async function isDormant(
  db: Queryable,
  accountId: string,
  dormantSeconds: number,
): Promise<boolean> {
  const rows = await db.query(IS_DORMANT, [accountId, dormantSeconds]);
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

/** The id of the number's account; nobody deletes it until the transaction ends. */
export async function holdAccountOf(tx: Tx, phone: E164): Promise<string | undefined> {
  const [row] = await tx.query<{ id: string }>(HOLD_ACCOUNT, [phone]);
  return row?.id;
}

const HOLD_ACCOUNT = sql(
  'entry.hold_account',
  'SELECT id FROM users_auth WHERE phone_number = $1 FOR KEY SHARE',
);

export async function recordAuthentication(tx: Tx, accountId: string): Promise<void> {
  await tx.query(RECORD_AUTHENTICATION, [accountId]);
}

const RECORD_AUTHENTICATION = sql(
  'entry.record_authentication',
  'UPDATE users_auth SET last_authenticated_at = now(), updated_at = now() WHERE id = $1',
);

/** Takes the number from an account, which keeps its id and factors; nothing leads to it any more. */
export async function releaseNumber(tx: Tx, accountId: string): Promise<void> {
  await tx.query(RELEASE_NUMBER, [accountId]);
}

const RELEASE_NUMBER = sql(
  'entry.release_number',
  'UPDATE users_auth SET phone_number = NULL, updated_at = now() WHERE id = $1',
);

/**
 * Gives the account another number; false when the number has an account. Waits for a rival to
 * commit: one of parallel callers gets the number.
 */
export async function changeNumber(
  tx: Tx,
  account: { readonly id: string; readonly phone: E164 },
): Promise<boolean> {
  const [row] = await tx.query<{ isMoved: boolean }>(CHANGE_NUMBER, [account.id, account.phone]);
  return row?.isMoved ?? false;
}

const CHANGE_NUMBER = sql('entry.change_number', 'SELECT move_number($1, $2) AS "isMoved"');

/** From now on the account shows nothing that happened before this transaction. */
export async function hideHistory(tx: Tx, accountId: string): Promise<void> {
  await tx.query(HIDE_HISTORY, [accountId]);
}

const HIDE_HISTORY = sql(
  'entry.hide_history',
  'UPDATE users_auth SET history_from = now(), updated_at = now() WHERE id = $1',
);

/** What made a recovery pointless. */
export type RecoveryEnd = 'number_changed' | 'factor_changed' | 'locked_down';

/** Ends the account's running recovery; false if none runs. */
export async function updateRecoveryEnded(
  tx: Tx,
  accountId: string,
  outcome: RecoveryEnd,
): Promise<boolean> {
  const rows = await tx.query(END_RECOVERY, [accountId, outcome]);
  return rows.length === 1;
}

const END_RECOVERY = sql(
  'entry.end_recovery',
  `UPDATE recoveries SET ended_at = now(), outcome = $2
    WHERE user_id = $1 AND ended_at IS NULL RETURNING id`,
);
