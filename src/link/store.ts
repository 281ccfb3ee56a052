import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';

/** Uses an approved challenge up; true for exactly one caller, ever. Rolled back, it stays unused. */
export async function insertCompleted(tx: Tx, challengeId: string): Promise<boolean> {
  const rows = await tx.query(INSERT_COMPLETED, [challengeId]);
  return rows.length === 1;
}

const INSERT_COMPLETED = sql(
  'link.insert_completed',
  'INSERT INTO completed_links (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id',
);

/** A day is much longer than any challenge lives. */
export async function deleteOldLinks(db: Queryable): Promise<void> {
  await db.query(DELETE_OLD, []);
}

const DELETE_OLD = sql(
  'link.delete_old',
  `DELETE FROM completed_links WHERE completed_at < now() - interval '1 day'`,
);
