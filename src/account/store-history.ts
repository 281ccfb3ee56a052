import { sql } from '../platform/postgres.ts';
import type { Queryable } from '../platform/postgres.ts';

export type LoginHistoryRow = {
  id: string;
  deviceId: string | null;
  deviceName: string | null;
  ipPrefix: string;
  createdAt: Date;
  status: 'success' | 'failure' | 'challenged';
  reason: string | null;
};

export interface HistoryPage {
  readonly accountId: string;
  readonly deviceId: string | undefined;
  /** Row id of the last entry of the page before. */
  readonly before: string | undefined;
  readonly limit: number;
}

/** Attempts to sign in, newest first; none of before the account was reopened, and no name of then. */
export async function listLoginHistory(
  db: Queryable,
  page: HistoryPage,
): Promise<LoginHistoryRow[]> {
  const values = [page.accountId, page.deviceId ?? null, page.before ?? null, page.limit];
  return db.query(LIST_LOGINS, values);
}

const LIST_LOGINS = sql(
  'account.list_login_history',
  `SELECT h.id::text, h.device_id AS "deviceId", d.device_name AS "deviceName",
          h.ip_address::text AS "ipPrefix", h.created_at AS "createdAt", h.status, h.reason
     FROM login_history h
     JOIN users_auth u ON u.id = h.user_id
     LEFT JOIN devices d ON d.user_id = h.user_id AND d.id = h.device_id
                        AND d.created_at >= coalesce(u.history_from, '-infinity')
    WHERE h.user_id = $1 AND h.created_at >= coalesce(u.history_from, '-infinity')
      AND ($2::uuid IS NULL OR h.device_id = $2) AND ($3::bigint IS NULL OR h.id < $3)
    ORDER BY h.id DESC LIMIT $4`,
);

export type AuditEventRow = {
  id: string;
  type: string;
  outcome: 'success' | 'refused';
  reason: string | null;
  actor: 'account' | 'anonymous' | 'service' | 'operator' | 'system';
  deviceId: string | null;
  sessionId: string | null;
  ipPrefix: string | null;
  requestId: string | null;
  createdAt: Date;
  /** Position in the list: time in microseconds since the Unix epoch. */
  position: string;
};

export interface AuditPage {
  readonly accountId: string;
  readonly after: readonly [position: string, id: string] | undefined;
  readonly limit: number;
}

/** What happened to the account, newest first; nothing of before it was reopened. */
export async function listAuditEvents(db: Queryable, page: AuditPage): Promise<AuditEventRow[]> {
  const [position = null, id = null] = page.after ?? [];
  return db.query(LIST_AUDIT, [page.accountId, position, id, page.limit]);
}

const LIST_AUDIT = sql(
  'account.list_audit_events',
  `SELECT a.id, a.type, a.outcome, a.reason, a.actor, a.device_id AS "deviceId",
          a.session_id AS "sessionId", a.ip_prefix::text AS "ipPrefix", a.request_id AS "requestId",
          a.created_at AS "createdAt",
          (extract(epoch FROM a.created_at) * 1000000)::bigint::text AS position
     FROM audit_events a JOIN users_auth u ON u.id = a.account_id
    WHERE a.account_id = $1 AND a.created_at >= coalesce(u.history_from, '-infinity')
      AND ($2::bigint IS NULL
           OR a.created_at < 'epoch'::timestamptz + $2::bigint * interval '1 microsecond'
           OR (a.created_at = 'epoch'::timestamptz + $2::bigint * interval '1 microsecond'
               AND a.id > $3::uuid))
    ORDER BY a.created_at DESC, a.id LIMIT $4`,
);
