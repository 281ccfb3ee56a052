import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';
import type { E164 } from './number.ts';

/** What a confirmed verification proves, and in which era of the number it was asked for. */
export interface Proof {
  readonly verificationId: string;
  readonly phone: E164;
  readonly phoneKey: Buffer;
  readonly era: number;
}

/**
 * Uses a verification up; true for exactly one caller, ever, and for none once the verifications of
 * its number were ended. Rolled back, it stays unspent.
 */
export async function consumeVerification(tx: Tx, proof: Proof): Promise<boolean> {
  const rows = await tx.query(CONSUME, [proof.verificationId, proof.phoneKey, proof.era]);
  return rows.length === 1;
}

const CONSUME = sql(
  'phone.consume',
  `INSERT INTO consumed_verifications (id)
   SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM phone_counters WHERE phone_key = $2 AND era <> $3)
   ON CONFLICT DO NOTHING RETURNING id`,
);

/** Whether a verification was used, or ended together with all others of its number. */
export async function selectProofState(
  db: Queryable,
  proof: Proof,
): Promise<{ isSpent: boolean; isEnded: boolean }> {
  const values = [proof.verificationId, proof.phoneKey, proof.era];
  const [row] = await db.query<{ isSpent: boolean; isEnded: boolean }>(SELECT_PROOF, values);
  return row ?? { isSpent: true, isEnded: true };
}

const SELECT_PROOF = sql(
  'phone.select_proof',
  `SELECT EXISTS (SELECT 1 FROM consumed_verifications WHERE id = $1) AS "isSpent",
          EXISTS (SELECT 1 FROM phone_counters WHERE phone_key = $2 AND era <> $3) AS "isEnded"`,
);

/**
 * Ends every verification of the numbers that was asked for before this commits, confirmed or not: a
 * new era. A send waits for the row's lock and then belongs to the old era or to the new one, so no
 * clock is compared. Keys are locked in order, so that two callers cannot deadlock.
 */
export async function endVerificationsOf(tx: Tx, phoneKeys: readonly Buffer[]): Promise<void> {
  await tx.query(END_VERIFICATIONS, [phoneKeys]);
}

const END_VERIFICATIONS = sql(
  'phone.end_verifications',
  `INSERT INTO phone_counters (phone_key, era)
   SELECT DISTINCT key, 1 FROM unnest($1::bytea[]) AS key ORDER BY key
   ON CONFLICT (phone_key) DO UPDATE SET era = phone_counters.era + 1, touched_at = now()`,
);

export async function isConsumed(db: Queryable, id: string): Promise<boolean> {
  const rows = await db.query(IS_CONSUMED, [id]);
  return rows.length === 1;
}

const IS_CONSUMED = sql('phone.is_consumed', 'SELECT id FROM consumed_verifications WHERE id = $1');
