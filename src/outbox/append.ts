import { sql } from '../platform/postgres.ts';
import type { Tx } from '../platform/postgres.ts';
import { encodeEvent } from './wire-event.ts';
import type { OutboxEvent } from './event.ts';

/**
 * Writes an event in the transaction of the change that it tells of: either both exist or neither.
 * Rows keep their order per account, and per number where `phoneKey` or `freedPhoneKey` is set: two
 * rows that name one number in either of them follow each other.
 */
export async function appendEvent(tx: Tx, event: OutboxEvent): Promise<void> {
  await tx.query(APPEND, [
    event.id,
    event.accountId,
    event.phoneKey ?? null,
    event.freedPhoneKey ?? null,
    event.kind,
    encodeEvent(event),
  ]);
}

const APPEND = sql(
  'outbox.append',
  `INSERT INTO outbox (event_id, account_id, phone_key, freed_phone_key, type, payload)
   VALUES ($1, $2, $3, $4, $5, $6)`,
);
