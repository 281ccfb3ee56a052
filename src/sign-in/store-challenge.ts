import type { DeviceDescription } from '../device/store.ts';
import type { BundleJson } from '../keys/bundle-json.ts';
import type { E164 } from '../phone/number.ts';
import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';
import type { FactorKind } from '../two-factor/prove.ts';

/** A login with a proven number that waits for its second factor. */
export interface NewChallenge {
  /** SHA-256 of what the client holds. */
  readonly id: Buffer;
  readonly accountId: string;
  readonly phone: E164;
  readonly verificationId: string;
  readonly device: DeviceDescription;
  readonly bundle: BundleJson | undefined;
  readonly seconds: number;
}

/** Stores a challenge; says when it ends. */
export async function insertChallenge(tx: Tx, challenge: NewChallenge): Promise<Date | undefined> {
  const { id, accountId, phone, verificationId, device, bundle, seconds } = challenge;
  const [row] = await tx.query<{ expiresAt: Date }>(INSERT, [
    id,
    accountId,
    phone,
    verificationId,
    JSON.stringify(device),
    bundle === undefined ? null : JSON.stringify(bundle),
    seconds,
  ]);
  return row?.expiresAt;
}

const INSERT = sql(
  'sign_in.insert_challenge',
  `INSERT INTO two_factor_challenges
     (id, user_id, phone_number, verification_id, device, key_bundle, expires_at)
   VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
   RETURNING expires_at AS "expiresAt"`,
);

const IS_OPEN = 'ended_at IS NULL AND expires_at > now()';

export type TriedChallenge = {
  accountId: string;
  deviceId: string;
  /** The factor was proven before; only a place for the device was missing. */
  isPassed: boolean;
};

const TRIED_COLUMNS = `
  user_id AS "accountId", device ->> 'id' AS "deviceId", passed_at IS NOT NULL AS "isPassed"`;

/** Counts a try before anything is compared; nothing when there is none left. Passed ones need none. */
export async function takeTry(
  db: Queryable,
  id: Buffer,
  maxTries: number,
): Promise<TriedChallenge | undefined> {
  const [row] = await db.query<TriedChallenge>(TAKE_TRY, [id, maxTries]);
  return row;
}

const TAKE_TRY = sql(
  'sign_in.take_try',
  `UPDATE two_factor_challenges SET tries = tries + CASE WHEN passed_at IS NULL THEN 1 ELSE 0 END
    WHERE id = $1 AND ${IS_OPEN} AND (passed_at IS NOT NULL OR tries < $2)
   RETURNING ${TRIED_COLUMNS}`,
);

/** Gives a try back that compared nothing, because the service had no room for it. */
export async function returnTry(db: Queryable, id: Buffer): Promise<void> {
  await db.query(RETURN_TRY, [id]);
}

const RETURN_TRY = sql(
  'sign_in.return_try',
  'UPDATE two_factor_challenges SET tries = tries - 1 WHERE id = $1 AND tries > 0',
);

/** An open challenge, without a try. */
export async function selectChallenge(
  db: Queryable,
  id: Buffer,
): Promise<TriedChallenge | undefined> {
  const [row] = await db.query<TriedChallenge>(SELECT, [id]);
  return row;
}

const SELECT = sql(
  'sign_in.select_challenge',
  `SELECT ${TRIED_COLUMNS} FROM two_factor_challenges WHERE id = $1 AND ${IS_OPEN}`,
);

export type ChallengeRow = {
  phone: E164;
  device: DeviceDescription;
  bundle: BundleJson | null;
  isPassed: boolean;
};

/** An open challenge, locked until the transaction ends: of parallel answers one opens a session. */
export async function lockChallenge(tx: Tx, id: Buffer): Promise<ChallengeRow | undefined> {
  const [row] = await tx.query<ChallengeRow>(LOCK, [id]);
  return row;
}

const LOCK = sql(
  'sign_in.lock_challenge',
  `SELECT phone_number AS phone, device, key_bundle AS bundle, passed_at IS NOT NULL AS "isPassed"
     FROM two_factor_challenges WHERE id = $1 AND ${IS_OPEN} FOR UPDATE`,
);

/** The factor is proven and used up; what is missing is a place for the device. */
export async function passChallenge(tx: Tx, id: Buffer, kind: FactorKind): Promise<void> {
  await tx.query(PASS, [id, kind]);
}

const PASS = sql(
  'sign_in.pass_challenge',
  `UPDATE two_factor_challenges SET passed_at = now(), passed_kind = $2
    WHERE id = $1 AND passed_at IS NULL`,
);

/** In the transaction that opens the session. */
export async function endChallenge(tx: Tx, id: Buffer): Promise<void> {
  await tx.query(END, [id]);
}

/** Its keys stand with the device from now on. */
const END = sql(
  'sign_in.end_challenge',
  'UPDATE two_factor_challenges SET ended_at = now(), key_bundle = NULL WHERE id = $1',
);

/** Forgets challenges that nobody can answer any more. */
export async function deleteOldChallenges(db: Queryable): Promise<void> {
  await db.query(DELETE_OLD, []);
}

const DELETE_OLD = sql(
  'sign_in.delete_old_challenges',
  `DELETE FROM two_factor_challenges WHERE expires_at < now() - interval '1 hour'`,
);
