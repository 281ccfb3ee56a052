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

/** Attempts to sign in, newest first. */
export async function listLoginHistory(
  db: Queryable,
  page: HistoryPage,
): Promise<LoginHistoryRow[]> {
  const values = [page.accountId, page.deviceId ?? null, page.before ?? null, page.limit];
  return db.query(LIST_HISTORY, values);
}

const LIST_HISTORY = sql(
  'account.list_login_history',
  `SELECT h.id::text, h.device_id AS "deviceId", d.device_name AS "deviceName",
          h.ip_address::text AS "ipPrefix", h.created_at AS "createdAt", h.status, h.reason
     FROM login_history h
     LEFT JOIN devices d ON d.user_id = h.user_id AND d.id = h.device_id
    WHERE h.user_id = $1 AND ($2::uuid IS NULL OR h.device_id = $2)
      AND ($3::bigint IS NULL OR h.id < $3)
    ORDER BY h.id DESC LIMIT $4`,
);
