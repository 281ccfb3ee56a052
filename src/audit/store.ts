import { sql } from '../platform/postgres.ts';
import type { Queryable } from '../platform/postgres.ts';

/** Makes the partitions of this and the next two months, with the rights of the schema's owner. */
export async function ensureAuditPartitions(db: Queryable): Promise<void> {
  await db.query(ENSURE_PARTITIONS, []);
}

const ENSURE_PARTITIONS = sql('audit.ensure_partitions', 'SELECT ensure_audit_partitions()');
