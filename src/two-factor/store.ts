import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';
import type { Sealed } from '../platform/seal.ts';

/** When misses lock an account's factor, and from which on authenticator codes are refused. */
export interface MissBounds {
  /** After the 5th, 10th, … miss in a row; the last holds for all that follow. */
  readonly twoFactorLockSeconds: readonly number[];
  readonly twoFactorRefusingMisses: number;
}

/** Misses in a row that lock the factor, again and again. */
export const MISSES_PER_LOCK = 5;

/** $2 is the ladder of locks. Every fifth miss in a row takes its next rung. */
const COUNTED = `
  misses = s.misses + 1,
  locked_until = CASE
    WHEN (s.misses + 1) % ${MISSES_PER_LOCK} = 0
    THEN now() + make_interval(
      secs => ($2::integer[])[least((s.misses + 1) / ${MISSES_PER_LOCK}, cardinality($2::integer[]))])
    ELSE s.locked_until END`;

const IS_OPEN = `coalesce(s.locked_until <= now(), true)`;

/**
 * Counts a try as a miss before anything is compared, so that parallel tries never exceed the
 * bounds; undone by whoever proves the factor. False when nothing may be tried now.
 */
export async function countTry(
  db: Queryable,
  attempt: { readonly accountId: string; readonly isTotp: boolean },
  bounds: MissBounds,
): Promise<boolean> {
  const most = attempt.isTotp ? bounds.twoFactorRefusingMisses : null;
  const values = [attempt.accountId, bounds.twoFactorLockSeconds, most];
  const rows = await db.query(COUNT_TRY, values);
  return rows.length === 1;
}

const COUNT_TRY = sql(
  'two_factor.count_try',
  `UPDATE two_factor_states s SET ${COUNTED}
    WHERE s.user_id = $1 AND s.secret_id IS NOT NULL AND ${IS_OPEN}
      AND ($3::integer IS NULL OR s.misses < $3)
   RETURNING s.misses`,
);

/** The same for proving a secret that was set up in the last `pendingSeconds` and is not on yet. */
export async function countPendingTry(
  db: Queryable,
  attempt: { readonly accountId: string; readonly pendingSeconds: number },
  bounds: MissBounds,
): Promise<{ sealed: Sealed } | undefined> {
  const { accountId, pendingSeconds } = attempt;
  const values = [accountId, bounds.twoFactorLockSeconds, pendingSeconds];
  const [row] = await db.query<{ sealed: Sealed }>(COUNT_PENDING_TRY, values);
  return row;
}

const COUNT_PENDING_TRY = sql(
  'two_factor.count_pending_try',
  `UPDATE two_factor_states s SET ${COUNTED}
    WHERE s.user_id = $1 AND s.secret_id IS NULL AND ${IS_OPEN}
      AND s.pending_since > now() - make_interval(secs => $3)
   RETURNING s.pending_secret AS sealed`,
);

/** Takes back a try that was counted and never compared, and the lock that it brought. */
export async function uncountTry(db: Queryable, accountId: string): Promise<void> {
  await db.query(UNCOUNT_TRY, [accountId]);
}

const UNCOUNT_TRY = sql(
  'two_factor.uncount_try',
  `UPDATE two_factor_states
      SET misses = misses - 1,
          locked_until = CASE WHEN misses % ${MISSES_PER_LOCK} = 0 THEN NULL ELSE locked_until END
    WHERE user_id = $1 AND misses > 0`,
);

/** The state of an account's factor; an account without a row never had one. */
export interface FactorState {
  readonly isEnabled: boolean;
  readonly enabledAt: Date | null;
  readonly isPending: boolean;
  readonly misses: number;
  /** The owner was told that authenticator codes are refused. */
  readonly isRefusing: boolean;
  readonly lockedMs: number;
}

export async function selectState(
  db: Queryable,
  accountId: string,
  pendingSeconds: number,
): Promise<FactorState | undefined> {
  const [row] = await db.query<FactorState>(SELECT_STATE, [accountId, pendingSeconds]);
  return row;
}

const SELECT_STATE = sql(
  'two_factor.select_state',
  `SELECT secret_id IS NOT NULL AS "isEnabled", enabled_at AS "enabledAt", misses,
          coalesce(pending_since > now() - make_interval(secs => $2), false) AS "isPending",
          refusing_since IS NOT NULL AS "isRefusing",
          greatest(0, coalesce(extract(epoch FROM locked_until - now()) * 1000, 0))::float8
            AS "lockedMs"
     FROM two_factor_states WHERE user_id = $1`,
);

/** The secret that is on, its name, and the last time step that was used. */
export interface SecretRow {
  readonly secretId: string;
  readonly lastStep: number;
  readonly sealed: Sealed;
}

export async function selectSecret(
  db: Queryable,
  accountId: string,
): Promise<SecretRow | undefined> {
  const [row] = await db.query<SecretRow>(SELECT_SECRET, [accountId]);
  return row;
}

const SELECT_SECRET = sql(
  'two_factor.select_secret',
  `SELECT s.secret_id AS "secretId", s.last_step AS "lastStep", u.two_factor_secret AS sealed
     FROM two_factor_states s JOIN users_auth u ON u.id = s.user_id
    WHERE s.user_id = $1 AND s.secret_id IS NOT NULL AND u.two_factor_secret IS NOT NULL`,
);

/** Puts a fresh envelope in the place of the one that was read. */
export async function updateSealed(
  db: Queryable,
  accountId: string,
  envelopes: { readonly from: Sealed; readonly to: Sealed },
): Promise<void> {
  const { from, to } = envelopes;
  await db.query(RESEAL, [accountId, JSON.stringify(from), JSON.stringify(to)]);
}

const RESEAL = sql(
  'two_factor.reseal',
  `UPDATE users_auth SET two_factor_secret = $3::jsonb
    WHERE id = $1 AND two_factor_secret = $2::jsonb`,
);

/** Uses a time step of one secret up, once; ends locks and refusal. */
export async function updateStep(
  tx: Tx,
  accountId: string,
  used: { readonly secretId: string; readonly step: number },
): Promise<boolean> {
  const rows = await tx.query(USE_STEP, [accountId, used.secretId, used.step]);
  return rows.length === 1;
}

const RESET = 'misses = 0, locked_until = NULL, refusing_since = NULL';

const USE_STEP = sql(
  'two_factor.use_step',
  `UPDATE two_factor_states SET last_step = $3, ${RESET}
    WHERE user_id = $1 AND secret_id = $2 AND last_step < $3 RETURNING user_id`,
);

/** Forgets misses, and ends locks and refusal. */
export async function resetMisses(tx: Tx, accountId: string): Promise<void> {
  await tx.query(RESET_MISSES, [accountId]);
}

const RESET_MISSES = sql(
  'two_factor.reset_misses',
  `UPDATE two_factor_states SET ${RESET} WHERE user_id = $1`,
);

/** Notes that authenticator codes are refused; true for the one caller that must tell the owner. */
export async function updateRefusing(
  tx: Tx,
  accountId: string,
  refusingMisses: number,
): Promise<boolean> {
  const rows = await tx.query(START_REFUSING, [accountId, refusingMisses]);
  return rows.length === 1;
}

const START_REFUSING = sql(
  'two_factor.start_refusing',
  `UPDATE two_factor_states SET refusing_since = now()
    WHERE user_id = $1 AND secret_id IS NOT NULL AND misses >= $2 AND refusing_since IS NULL
   RETURNING user_id`,
);
