import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';

export type RevocationRow = {
  id: string;
  xid: string;
  sessionId: string;
  accountId: string;
  deviceId: string;
  reason: RevokeReason;
  revokedAt: Date;
  expiresAt: Date;
  /** Whether no transaction that could still commit an earlier row is open. */
  isSettled: boolean;
};

/** Why a session ended, as it is stored. */
export type RevokeReason =
  | 'logout'
  | 'revoked'
  | 'refresh_reused'
  | 'device_removed'
  | 'lockdown'
  | 'account_deleted'
  | 'number_moved'
  | 'operator';

/** Which sessions of an account an act is about. */
export interface RevokeTarget {
  readonly accountId: string;
  /** Only this session. */
  readonly onlyId?: string;
  /** Only those of this device. */
  readonly onlyDeviceId?: string;
  /** Every session but this one. */
  readonly exceptId?: string;
}

export type RevokedSession = { sessionId: string; deviceId: string };

export interface Revocation {
  readonly target: RevokeTarget;
  readonly reason: RevokeReason;
  /** How long the last access token of these sessions can live. */
  readonly tokenSeconds: number;
}

/**
 * Ends living sessions and records each end for the feed, in one statement. Rows are locked in
 * order of id, so that two callers cannot deadlock; each session is ended by exactly one of them.
 */
export async function revokeSessions(tx: Tx, revocation: Revocation): Promise<RevokedSession[]> {
  const { accountId, onlyId, exceptId, onlyDeviceId } = revocation.target;
  return tx.query(REVOKE, [
    accountId,
    onlyId ?? null,
    exceptId ?? null,
    revocation.reason,
    revocation.tokenSeconds,
    onlyDeviceId ?? null,
  ]);
}

const REVOKE = sql(
  'session.revoke',
  `WITH target AS (
     SELECT id FROM sessions
      WHERE user_id = $1 AND revoked_at IS NULL AND idle_expires_at > now()
        AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR id <> $3)
        AND ($6::uuid IS NULL OR device_id = $6)
      ORDER BY id FOR UPDATE
   ), ended AS (
     UPDATE sessions s SET revoked_at = now(), revoke_reason = $4 FROM target
      WHERE s.id = target.id RETURNING s.id, s.user_id, s.device_id
   )
   INSERT INTO revocations (session_id, user_id, device_id, reason, expires_at)
   SELECT id, user_id, device_id, $4, now() + make_interval(secs => $5) FROM ended
   RETURNING session_id AS "sessionId", device_id AS "deviceId"`,
);

/** Position in the feed: transaction and row id, both as decimal text. */
export interface FeedPosition {
  readonly xid: string;
  readonly id: string;
}

export const FEED_START: FeedPosition = { xid: '0', id: '0' };

/** Every visible revocation after `after`, in commit order; `onlyLiving` leaves ended tokens out. */
export async function selectRevocations(
  db: Queryable,
  after: FeedPosition,
  options: { limit: number; onlyLiving: boolean },
): Promise<RevocationRow[]> {
  return db.query(SELECT_REVOCATIONS, [after.xid, after.id, options.limit, options.onlyLiving]);
}

const SELECT_REVOCATIONS = sql(
  'session.select_revocations',
  `SELECT r.id::text, r.xid::text, r.session_id AS "sessionId", r.user_id AS "accountId",
          r.device_id AS "deviceId", r.reason, r.revoked_at AS "revokedAt",
          r.expires_at AS "expiresAt", r.xid < pg_snapshot_xmin(pg_current_snapshot()) AS "isSettled"
     FROM revocations r
    WHERE (r.xid, r.id) > ($1::text::xid8, $2::bigint) AND (NOT $4::boolean OR r.expires_at > now())
    ORDER BY r.xid, r.id LIMIT $3`,
);

/** Forgets revocations whose tokens ended a day ago. */
export async function deleteOldRevocations(db: Queryable): Promise<void> {
  await db.query(DELETE_OLD, []);
}

const DELETE_OLD = sql(
  'session.delete_old_revocations',
  `DELETE FROM revocations WHERE expires_at < now() - interval '1 day'`,
);
