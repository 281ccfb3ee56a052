import { sql } from '../platform/postgres.ts';
import type { Queryable } from '../platform/postgres.ts';

/** Makes the partitions of this and the next two months, with the rights of the schema's owner. */
export async function ensureAuditPartitions(db: Queryable): Promise<void> {
  await db.query(ENSURE_PARTITIONS, []);
}

const ENSURE_PARTITIONS = sql('audit.ensure_partitions', 'SELECT ensure_audit_partitions()');

/** Forgets the months that ended longer ago, with the rights of the schema's owner; says how many. */
export async function dropOldAuditPartitions(
  db: Queryable,
  retentionDays: number,
): Promise<number> {
  const [row] = await db.query<{ dropped: number }>(DROP_OLD, [retentionDays]);
  return row?.dropped ?? 0;
}

const DROP_OLD = sql('audit.drop_old', 'SELECT drop_old_audit_partitions($1) AS dropped');

/** An event with every column, in the order in which it is exported. */
export type AuditRow = {
  id: string;
  /** RFC 3339 with microseconds, as PostgreSQL keeps it. */
  createdAt: string;
  type: string;
  outcome: string;
  reason: string | null;
  actor: string;
  accountId: string | null;
  deviceId: string | null;
  sessionId: string | null;
  ipPrefix: string | null;
  requestId: string | null;
  details: unknown;
};

/** Where a batch begins (behind that row) and where the export ends. */
export interface AuditBatch {
  readonly after: { readonly createdAt: string; readonly id: string };
  readonly to: string;
  readonly limit: number;
}

const COLUMNS = `
  a.id, to_char(a.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "createdAt",
  a.type, a.outcome, a.reason, a.actor, a.account_id AS "accountId", a.device_id AS "deviceId",
  a.session_id AS "sessionId", a.ip_prefix::text AS "ipPrefix", a.request_id AS "requestId", a.details`;

/** The comparison of rows is the position; the one of times alone leaves whole partitions out. */
const BATCH = `
  (a.created_at, a.id) > ($1::timestamptz, $2::uuid) AND a.created_at >= $1::timestamptz
  AND a.created_at < $3::timestamptz`;

/** The next events of all accounts, oldest first. */
export async function selectAuditBatch(db: Queryable, batch: AuditBatch): Promise<AuditRow[]> {
  return db.query(SELECT_BATCH, valuesOf(batch));
}

const SELECT_BATCH = sql(
  'audit.select_batch',
  `SELECT ${COLUMNS} FROM audit_events a WHERE ${BATCH} ORDER BY a.created_at, a.id LIMIT $4`,
);

/** The next events of one account, oldest first. */
export async function selectAuditBatchOf(
  db: Queryable,
  accountId: string,
  batch: AuditBatch,
): Promise<AuditRow[]> {
  return db.query(SELECT_BATCH_OF, [...valuesOf(batch), accountId]);
}

const SELECT_BATCH_OF = sql(
  'audit.select_batch_of',
  `SELECT ${COLUMNS} FROM audit_events a WHERE a.account_id = $5 AND ${BATCH}
    ORDER BY a.created_at, a.id LIMIT $4`,
);

function valuesOf({ after, to, limit }: AuditBatch): unknown[] {
  return [after.createdAt, after.id, to, limit];
}
