import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';

/** Starts a recovery; nothing if one runs already. */
export async function insertRecovery(
  tx: Tx,
  recovery: {
    readonly id: string;
    readonly accountId: string;
    readonly ipPrefix: string;
    readonly waitSeconds: number;
  },
): Promise<Date | undefined> {
  const { id, accountId, ipPrefix, waitSeconds } = recovery;
  const [row] = await tx.query<{ readyAt: Date }>(INSERT, [id, accountId, ipPrefix, waitSeconds]);
  return row?.readyAt;
}

const INSERT = sql(
  'recovery.insert',
  `INSERT INTO recoveries (id, user_id, ip_prefix, ready_at)
   VALUES ($1, $2, $3, now() + make_interval(secs => $4))
   ON CONFLICT (user_id) WHERE ended_at IS NULL DO NOTHING
   RETURNING ready_at AS "readyAt"`,
);

export type StartsRow = {
  isRunning: boolean;
  /** How many were started in the last 24 h. */
  count: number;
  /** In how many seconds the first of these is older. */
  waitSeconds: number;
};

/** What the account's recoveries leave room for; the caller holds the account's lock. */
export async function countStarts(tx: Tx, accountId: string): Promise<StartsRow> {
  const [row] = await tx.query<StartsRow>(COUNT_STARTS, [accountId]);
  return row ?? { isRunning: false, count: 0, waitSeconds: 0 };
}

const COUNT_STARTS = sql(
  'recovery.count_starts',
  `SELECT count(*) FILTER (WHERE ended_at IS NULL) > 0 AS "isRunning",
          (count(*) FILTER (WHERE created_at > now() - interval '1 day'))::integer AS count,
          coalesce(ceil(extract(epoch FROM interval '1 day' + (
            min(created_at) FILTER (WHERE created_at > now() - interval '1 day') - now()))), 0)::integer
            AS "waitSeconds"
     FROM recoveries WHERE user_id = $1`,
);

/** Ends the running recovery `id`; false if none runs under it, for this account. */
export async function cancelRecovery(
  tx: Tx,
  ids: { readonly id: string; readonly accountId: string },
): Promise<boolean> {
  const rows = await tx.query(CANCEL, [ids.id, ids.accountId]);
  return rows.length === 1;
}

const CANCEL = sql(
  'recovery.cancel',
  `UPDATE recoveries SET ended_at = now(), outcome = 'cancelled'
    WHERE id = $1 AND user_id = $2 AND ended_at IS NULL RETURNING id`,
);

/** Ends the recovery `id` as completed if its time has come; true for one caller. */
export async function completeRecovery(
  tx: Tx,
  ids: { readonly id: string; readonly accountId: string },
): Promise<boolean> {
  const rows = await tx.query(COMPLETE, [ids.id, ids.accountId]);
  return rows.length === 1;
}

const COMPLETE = sql(
  'recovery.complete',
  `UPDATE recoveries SET ended_at = now(), outcome = 'completed'
    WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND ready_at <= now() RETURNING id`,
);

/** From when on the running recovery `id` can be completed. */
export async function selectReadyAt(
  db: Queryable,
  ids: { readonly id: string; readonly accountId: string },
): Promise<Date | undefined> {
  const [row] = await db.query<{ readyAt: Date }>(SELECT_READY, [ids.id, ids.accountId]);
  return row?.readyAt;
}

const SELECT_READY = sql(
  'recovery.select_ready',
  `SELECT ready_at AS "readyAt" FROM recoveries
    WHERE id = $1 AND user_id = $2 AND ended_at IS NULL`,
);

/** Forgets recoveries that ended long ago; the audit log knows them longer. */
export async function deleteOldRecoveries(db: Queryable): Promise<void> {
  await db.query(DELETE_OLD, []);
}

const DELETE_OLD = sql(
  'recovery.delete_old',
  `DELETE FROM recoveries WHERE ended_at < now() - interval '90 days'`,
);
