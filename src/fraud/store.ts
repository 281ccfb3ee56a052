import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';
import type { Thresholds } from './policy.ts';

/** A send as the guard sees it: no number, only what it has in common with others. */
export interface GuardedSend {
  readonly sendId: string;
  /** ISO 3166, or 001 for numbers of no country. */
  readonly country: string;
  readonly prefix: string;
  /** As libphonenumber names it, UNKNOWN included. */
  readonly numberKind: string;
  readonly purpose: string;
  readonly phoneKey: Buffer;
  readonly addressKey: Buffer;
}

/** What speaks for a send; asked for only when it would be refused without. */
export interface Standing {
  /** The address signed in to the number's account before: a blocked prefix does not stop it. */
  readonly isTrusted: boolean;
  /** It may use what is kept for logins of existing accounts. */
  readonly hasReserve: boolean;
}

export type SpendRefusal = 'prefix' | 'country_reserve' | 'country_day' | 'country_hour';
export type Spend = { refusal: SpendRefusal | null; waitSeconds: number | null };

export interface SpendRequest {
  readonly send: GuardedSend;
  readonly standing: Standing;
  /** Takes it whatever is found: the guard only records. */
  readonly isForced: boolean;
  readonly price: number;
  readonly limits: Thresholds & { readonly spendPerDay: number };
}

/** Takes a send from the budgets of its country, or says what refuses it and for how long. */
export async function takeSpend(db: Queryable, request: SpendRequest): Promise<Spend> {
  const { send, standing, isForced, price, limits } = request;
  const { isTrusted: trusted, hasReserve: reserve } = standing;
  const [row] = await db.query<Spend>(TAKE_SPEND, [
    send.sendId,
    send.country,
    send.prefix,
    send.numberKind,
    send.purpose,
    send.phoneKey,
    send.addressKey,
    price,
    JSON.stringify({ trusted, reserve, forced: isForced }),
    JSON.stringify(limits),
  ]);
  return row ?? { refusal: 'country_day', waitSeconds: 1 };
}

const TAKE_SPEND = sql(
  'fraud.take_spend',
  `SELECT refusal, wait_seconds AS "waitSeconds"
     FROM take_spend($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
);

/** Notes a send that was refused; it took nothing. */
export async function insertRefused(
  tx: Tx,
  refused: { send: GuardedSend; price: number; reason: string },
): Promise<void> {
  const { send, price, reason } = refused;
  await tx.query(INSERT_REFUSED, [
    send.sendId,
    send.country,
    send.prefix,
    send.numberKind,
    send.purpose,
    send.phoneKey,
    send.addressKey,
    price,
    reason,
  ]);
}

const INSERT_REFUSED = sql(
  'fraud.insert_refused',
  `INSERT INTO fraud_sends (id, country, prefix, number_kind, purpose, phone_key, address_key, price,
                            decision, reason)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'refused', $9)`,
);

/** A send that reached nobody gives back what it took; once, and never after its code was entered. */
export async function returnSpend(db: Queryable, sendId: string): Promise<void> {
  await db.query(RETURN_SPEND, [sendId]);
}

const RETURN_SPEND = sql('fraud.return_spend', 'SELECT return_spend($1)');

/** Its code was entered: somebody reads the messages to this prefix. */
export async function verifySend(db: Queryable, sendId: string): Promise<void> {
  await db.query(VERIFY_SEND, [sendId]);
}

const VERIFY_SEND = sql(
  'fraud.verify_send',
  'UPDATE fraud_sends SET verified_at = now() WHERE id = $1 AND verified_at IS NULL',
);

/**
 * Takes whole days that no window reaches into any more from their numbers and addresses: sends of
 * one stay together, yet not even whoever holds the peppers can say whose they were.
 */
export async function unlinkSends(db: Queryable): Promise<void> {
  await db.query(UNLINK_SENDS, []);
}

const UNLINK_SENDS = sql(
  'fraud.unlink_sends',
  `WITH salt AS MATERIALIZED (SELECT uuid_send(gen_random_uuid()) AS bytes)
   UPDATE fraud_sends
      SET phone_key = sha256(phone_key || salt.bytes), address_key = sha256(address_key || salt.bytes),
          is_linked = false
     FROM salt
    WHERE is_linked AND created_at < date_trunc('day', now(), 'UTC') - interval '1 day'`,
);

/** Forgets sends after their days, and blocks and counters that can matter no more. */
export async function deleteOldSends(db: Queryable, days: number): Promise<void> {
  await db.query(DELETE_SENDS, [days]);
  await db.query(DELETE_COUNTERS, [days]);
  await db.query(DELETE_PREFIXES, []);
}

const DELETE_SENDS = sql(
  'fraud.delete_sends',
  'DELETE FROM fraud_sends WHERE created_at < now() - make_interval(days => $1)',
);

const DELETE_COUNTERS = sql(
  'fraud.delete_counters',
  'DELETE FROM spend_counters WHERE day < (now() - make_interval(days => $1 + 1))::date',
);

/** A block matters for a day after its end: the next one is twice as long. */
const DELETE_PREFIXES = sql(
  'fraud.delete_prefixes',
  `DELETE FROM fraud_prefixes
    WHERE coalesce(blocked_until, created_at) < now() - interval '2 days'`,
);
