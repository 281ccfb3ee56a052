import { sql } from '../platform/postgres.ts';
import type { Queryable } from '../platform/postgres.ts';
import type { ReceiptStatus } from './provider.ts';

/** Written beside the request to the provider, so that a receipt finds its attempt. */
export async function insertAttempt(
  db: Queryable,
  attempt: { id: string; sendId: string; provider: string },
): Promise<void> {
  await db.query(INSERT_ATTEMPT, [attempt.id, attempt.sendId, attempt.provider]);
}

const INSERT_ATTEMPT = sql(
  'sms.insert_attempt',
  'INSERT INTO sms_deliveries (id, send_id, provider) VALUES ($1, $2, $3)',
);

/** What the provider answered. A receipt that was faster says more, and stays. */
export async function settleAttempt(
  db: Queryable,
  attempt: {
    id: string;
    status: 'accepted' | 'failed' | 'unknown';
    messageId: string | null;
    code: string | null;
  },
): Promise<void> {
  const { id, status, messageId, code } = attempt;
  await db.query(SETTLE_ATTEMPT, [id, status, messageId, code]);
}

const SETTLE_ATTEMPT = sql(
  'sms.settle_attempt',
  `UPDATE sms_deliveries
      SET status = CASE WHEN receipt_at IS NULL THEN $2 ELSE status END,
          error_code = CASE WHEN receipt_at IS NULL THEN $4 ELSE error_code END,
          provider_message_id = coalesce(provider_message_id, $3),
          updated_at = now()
    WHERE id = $1`,
);

/**
 * Moves an attempt forward by a receipt, never back: receipts come repeatedly and out of order, and
 * what is final stays. Of two at once the row lock makes the second see what the first wrote.
 */
export async function recordReceipt(
  db: Queryable,
  receipt: {
    attemptId: string;
    provider: string;
    messageId: string;
    status: ReceiptStatus;
    code: string | undefined;
  },
): Promise<void> {
  const { attemptId, provider, messageId, status, code } = receipt;
  await db.query(RECORD_RECEIPT, [attemptId, provider, messageId, status, code ?? null]);
}

const RECORD_RECEIPT = sql(
  'sms.record_receipt',
  `UPDATE sms_deliveries
      SET status = $4,
          error_code = $5,
          provider_message_id = coalesce(provider_message_id, nullif($3, '')),
          receipt_at = now(),
          updated_at = now()
    WHERE id = $1 AND provider = $2 AND status NOT IN ('delivered', 'undelivered')
      AND ($4 IN ('delivered', 'undelivered')
        OR status IN ('sending', 'failed', 'unknown')
        OR (status = 'accepted' AND $4 = 'sent'))`,
);

/** Providers tell of a message for three days at most; a week leaves time to look into one. */
export async function deleteOldDeliveries(db: Queryable): Promise<void> {
  await db.query(DELETE_OLD, []);
}

const DELETE_OLD = sql(
  'sms.delete_old',
  `DELETE FROM sms_deliveries WHERE created_at < now() - interval '7 days'`,
);
