import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';

/** Caps per number, as the SQL functions read them. */
export type PhoneLimits = Readonly<Record<string, number | readonly number[]>>;

/** Who asks, for a number: both are keyed hashes. */
export interface AttemptKey {
  readonly phoneKey: Buffer;
  readonly addressKey: Buffer;
}

/** What the accounts know of the address that asks; only fetched when a cap is reached. */
export interface Familiarity {
  /** The address signed in to the number's account before. */
  readonly isKnownAddress: boolean;
  readonly hasSecondFactor: boolean;
  readonly hasAccount: boolean;
}

/** What is assumed before anybody asked: it grants nothing. */
export const STRANGER: Familiarity = {
  isKnownAddress: false,
  hasSecondFactor: true,
  hasAccount: false,
};

export type Attempt = { refusal: string | null; waitSeconds: number | null };
/** `era`: how often the number's verifications have been ended; a send belongs to the era it began in. */
export type SendAttempt = Attempt & { resendSeconds: number | null; era: number };

/** Takes one send, or says which cap refuses it and for how long. */
export async function takeSend(
  db: Queryable,
  key: AttemptKey,
  options: { sendId: string; familiarity: Familiarity; limits: PhoneLimits },
): Promise<SendAttempt> {
  const { isKnownAddress, hasSecondFactor } = options.familiarity;
  const limits = JSON.stringify(isKnownAddress ? options.limits : strangersShare(options.limits));
  const [row] = await db.query<SendAttempt>(TAKE_SEND, [
    key.phoneKey,
    key.addressKey,
    options.sendId,
    isKnownAddress,
    hasSecondFactor,
    limits,
  ]);
  return row ?? { refusal: 'unknown', waitSeconds: 1, resendSeconds: null, era: 0 };
}

const TAKE_SEND = sql(
  'phone.take_send',
  `SELECT refusal, wait_seconds AS "waitSeconds", resend_seconds AS "resendSeconds",
          coalesce((SELECT era FROM phone_counters WHERE phone_key = $1), 0) AS era
     FROM take_send($1, $2, $3, $4, $5, $6)`,
);

/** The reserve of known addresses lies within the hard cap: strangers cannot use that up too. */
function strangersShare(limits: PhoneLimits): PhoneLimits {
  const { hardDay, reserveSends } = limits;
  return { ...limits, hardDay: Math.max(1, Number(hardDay) - Number(reserveSends)) };
}

/** A send that no provider took does not count. */
export async function deleteSend(db: Queryable, sendId: string): Promise<void> {
  await db.query(DELETE_SEND, [sendId]);
}

const DELETE_SEND = sql('phone.delete_send', 'DELETE FROM phone_attempts WHERE id = $1');

/** Takes one check, counted as a miss until it is settled. */
export async function takeCheck(
  db: Queryable,
  key: AttemptKey,
  options: { checkId: string; familiarity: Familiarity; limits: PhoneLimits },
): Promise<Attempt> {
  const { isKnownAddress } = options.familiarity;
  const limits = JSON.stringify(options.limits);
  const [row] = await db.query<Attempt>(TAKE_CHECK, [
    key.phoneKey,
    key.addressKey,
    options.checkId,
    isKnownAddress,
    limits,
  ]);
  return row ?? { refusal: 'unknown', waitSeconds: 1 };
}

const TAKE_CHECK = sql(
  'phone.take_check',
  `SELECT refusal, wait_seconds AS "waitSeconds" FROM take_check($1, $2, $3, $4, $5)`,
);

/** The code was right: the check is no miss, its send is verified, the number starts anew. */
export async function settleCheck(
  db: Queryable,
  ids: { phoneKey: Buffer; checkId: string; sendId: string },
): Promise<void> {
  await db.query(SETTLE_CHECK, [ids.phoneKey, ids.checkId, ids.sendId]);
}

const SETTLE_CHECK = sql('phone.settle_check', 'SELECT settle_check($1, $2, $3)');

/** True for one caller each time that a number's failures in a row have reached `refusingFailures`. */
export async function takeRefusalNotice(
  tx: Tx,
  phoneKey: Buffer,
  refusingFailures: number,
): Promise<boolean> {
  const rows = await tx.query(TAKE_NOTICE, [phoneKey, refusingFailures]);
  return rows.length === 1;
}

const TAKE_NOTICE = sql(
  'phone.take_refusal_notice',
  `UPDATE phone_counters SET refusal_told_at = now()
    WHERE phone_key = $1 AND failures >= $2
      AND (refusal_told_at IS NULL OR refusal_told_at < last_success_at)
   RETURNING phone_key`,
);

/** Whether strange addresses get no codes for the number because of its failures in a row. */
export async function isRefusing(
  db: Queryable,
  phoneKey: Buffer,
  refusingFailures: number,
): Promise<boolean> {
  const rows = await db.query(IS_REFUSING, [phoneKey, refusingFailures]);
  return rows.length === 1;
}

const IS_REFUSING = sql(
  'phone.is_refusing',
  'SELECT phone_key FROM phone_counters WHERE phone_key = $1 AND failures >= $2',
);

/** The failures of a refusing number start anew; false when it is not refusing. */
export async function liftRefusal(
  tx: Tx,
  phoneKey: Buffer,
  refusingFailures: number,
): Promise<boolean> {
  const rows = await tx.query(LIFT_REFUSAL, [phoneKey, refusingFailures]);
  return rows.length === 1;
}

const LIFT_REFUSAL = sql(
  'phone.lift_refusal',
  `UPDATE phone_counters
      SET failures = 0, failing_until = NULL, refusal_told_at = NULL, touched_at = now()
    WHERE phone_key = $1 AND failures >= $2 RETURNING phone_key`,
);

/** Forgets attempts after every window, and verifications long after Redis forgot them. */
export async function deleteOldAttempts(db: Queryable): Promise<void> {
  await db.query(DELETE_ATTEMPTS, []);
  await db.query(DELETE_COUNTERS, []);
  await db.query(DELETE_CONSUMED, []);
}

const DELETE_ATTEMPTS = sql(
  'phone.delete_attempts',
  `DELETE FROM phone_attempts WHERE created_at < now() - interval '25 hours'`,
);

/** Failures are kept for as long as they can matter: a wait lasts a day at most. */
const DELETE_COUNTERS = sql(
  'phone.delete_counters',
  `DELETE FROM phone_counters
    WHERE touched_at < now() - CASE WHEN failures = 0 THEN interval '2 days' ELSE interval '400 days' END`,
);

const DELETE_CONSUMED = sql(
  'phone.delete_consumed',
  `DELETE FROM consumed_verifications WHERE consumed_at < now() - interval '1 day'`,
);
