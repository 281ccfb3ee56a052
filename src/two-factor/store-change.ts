import { sql } from '../platform/postgres.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Sealed } from '../platform/seal.ts';

/**
 * Keeps a secret that waits for its proof, in the place of an earlier one. Says whether one was
 * waiting; nothing when the factor is on.
 */
export async function upsertPending(
  tx: Tx,
  accountId: string,
  pending: { readonly sealed: Sealed; readonly seconds: number },
): Promise<{ wasPending: boolean } | undefined> {
  const values = [accountId, JSON.stringify(pending.sealed), pending.seconds];
  const [row] = await tx.query<{ wasPending: boolean }>(UPSERT_PENDING, values);
  return row;
}

const UPSERT_PENDING = sql(
  'two_factor.upsert_pending',
  `WITH before AS (
     SELECT pending_since > now() - make_interval(secs => $3) AS "wasPending"
       FROM two_factor_states WHERE user_id = $1)
   INSERT INTO two_factor_states AS s (user_id, pending_secret, pending_since)
   VALUES ($1, $2::jsonb, now())
   ON CONFLICT (user_id) DO UPDATE SET pending_secret = $2::jsonb, pending_since = now()
     WHERE s.secret_id IS NULL
   RETURNING coalesce((SELECT "wasPending" FROM before), false) AS "wasPending"`,
);

/** Makes the secret that was proven the account's own; one of parallel callers wins. */
export async function updateEnabled(
  tx: Tx,
  accountId: string,
  proven: { readonly pending: Sealed; readonly secretId: string; readonly step: number },
): Promise<boolean> {
  const values = [accountId, JSON.stringify(proven.pending), proven.secretId, proven.step];
  const rows = await tx.query(ENABLE, values);
  return rows.length === 1;
}

const ENABLE = sql(
  'two_factor.enable',
  `UPDATE two_factor_states
      SET secret_id = $3, enabled_at = now(), last_step = $4, pending_secret = NULL,
          pending_since = NULL, misses = 0, locked_until = NULL, refusing_since = NULL
    WHERE user_id = $1 AND secret_id IS NULL AND pending_secret = $2::jsonb RETURNING user_id`,
);

/** What Login asks for, and the secret in its envelope; null erases it. */
export async function updateAccountFactor(
  tx: Tx,
  accountId: string,
  sealed: Sealed | null,
): Promise<void> {
  await tx.query(SET_FACTOR, [accountId, sealed && JSON.stringify(sealed)]);
}

const SET_FACTOR = sql(
  'two_factor.set_factor',
  `UPDATE users_auth
      SET two_factor_secret = $2::jsonb, two_factor_enabled = $2::jsonb IS NOT NULL,
          updated_at = now()
    WHERE id = $1`,
);

/** Forgets everything about the factor but the account's own columns. */
export async function deleteState(tx: Tx, accountId: string): Promise<void> {
  await tx.query(DELETE_STATE, [accountId]);
}

const DELETE_STATE = sql(
  'two_factor.delete_state',
  'DELETE FROM two_factor_states WHERE user_id = $1',
);
