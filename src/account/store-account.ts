import type { E164 } from '../phone/number.ts';
import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';

export type OwnAccountRow = {
  /** Null after the number moved on. */
  phone: E164 | null;
  createdAt: Date;
  lastAuthenticatedAt: Date | null;
  hasSecondFactor: boolean;
  /** The running recovery, all of its columns null when there is none. */
  recoveryId: string | null;
  recoveryStartedAt: Date | null;
  recoveryReadyAt: Date | null;
  recoveryPrefix: string | null;
};

/** The account with its running recovery. */
export async function selectOwnAccount(
  db: Queryable,
  accountId: string,
): Promise<OwnAccountRow | undefined> {
  const [row] = await db.query<OwnAccountRow>(SELECT_OWN, [accountId]);
  return row;
}

const SELECT_OWN = sql(
  'account.select_own',
  `SELECT u.phone_number AS phone, u.created_at AS "createdAt",
          u.last_authenticated_at AS "lastAuthenticatedAt",
          u.two_factor_enabled AS "hasSecondFactor",
          r.id AS "recoveryId", r.created_at AS "recoveryStartedAt",
          r.ready_at AS "recoveryReadyAt", r.ip_prefix::text AS "recoveryPrefix"
     FROM users_auth u
     LEFT JOIN recoveries r ON r.user_id = u.id AND r.ended_at IS NULL
    WHERE u.id = $1`,
);

/** Whether the session lives and was opened longer ago than `seconds`: its own age, not its approver's. */
export async function isOldSession(tx: Tx, sessionId: string, seconds: number): Promise<boolean> {
  const rows = await tx.query(IS_OLD, [sessionId, seconds]);
  return rows.length === 1;
}

const IS_OLD = sql(
  'account.is_old_session',
  `SELECT id FROM sessions
    WHERE id = $1 AND revoked_at IS NULL AND idle_expires_at > now()
      AND created_at < now() - make_interval(secs => $2)`,
);

/** Erases the account; every row that belongs to it goes with it. */
export async function deleteAccountRow(tx: Tx, accountId: string): Promise<void> {
  await tx.query(DELETE_ACCOUNT, [accountId]);
}

const DELETE_ACCOUNT = sql('account.delete', 'DELETE FROM users_auth WHERE id = $1');
