import { sql } from '../platform/postgres.ts';
import type { Queryable } from '../platform/postgres.ts';

/** A send of the past. Sends that reached nobody are no part of the record: they took nothing. */
export interface RecordedSend {
  readonly id: string;
  readonly country: string;
  readonly prefix: string;
  readonly purpose: string;
  readonly phoneKey: string;
  readonly addressKey: string;
  readonly price: number;
  readonly decision: 'sent' | 'flagged' | 'refused';
  readonly reason: string | undefined;
  readonly atMs: number;
  readonly verifiedAtMs: number | undefined;
}

type Row = Omit<RecordedSend, 'reason' | 'verifiedAtMs'> & {
  readonly reason: string | null;
  readonly verifiedAtMs: number | null;
  /** The exact time, which milliseconds are not. */
  readonly at: string;
};

const PAGE_SIZE = 5_000;

/** The sends of the last days, the oldest first, in pages that no statement time-out cuts off. */
export async function selectRecord(db: Queryable, days: number): Promise<RecordedSend[]> {
  const sends: RecordedSend[] = [];
  let [at, id] = ['-infinity', '00000000-0000-0000-0000-000000000000'];
  for (;;) {
    const rows = await db.query<Row>(SELECT_PAGE, [days, at, id, PAGE_SIZE]);
    for (const { at: _at, reason, verifiedAtMs, ...row } of rows) {
      sends.push({
        ...row,
        reason: reason ?? undefined,
        verifiedAtMs: verifiedAtMs ?? undefined,
      });
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE_SIZE) return sends;
    [at, id] = [last.at, last.id];
  }
}

const SELECT_PAGE = sql(
  'fraud.select_record',
  `SELECT id, country, prefix, purpose, encode(phone_key, 'hex') AS "phoneKey",
          encode(address_key, 'hex') AS "addressKey", price::float8 AS price, decision, reason,
          extract(epoch FROM created_at)::float8 * 1000 AS "atMs",
          extract(epoch FROM verified_at)::float8 * 1000 AS "verifiedAtMs", created_at::text AS at
     FROM fraud_sends
    WHERE decision <> 'returned' AND created_at > now() - make_interval(days => $1)
      AND (created_at, id) > ($2::timestamptz, $3::uuid)
    ORDER BY created_at, id LIMIT $4`,
);
