import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';
import type { Sealed } from '../platform/seal.ts';

export type KeyPurpose = 'access' | 'refresh';
export type KeyState = 'pending' | 'active' | 'retired';

/** A public P-256 key as RFC 7517 writes it. */
export interface PublicJwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
}

export interface SigningKeyRow {
  readonly kid: string;
  readonly purpose: KeyPurpose;
  readonly state: KeyState;
  readonly publicJwk: PublicJwk;
  readonly privateSealed: Sealed;
}

/** Newest first within a purpose. */
export async function selectSigningKeys(db: Queryable): Promise<SigningKeyRow[]> {
  return db.query(SELECT_KEYS, []);
}

const SELECT_KEYS = sql(
  'token.select_keys',
  `SELECT kid, purpose, state, public_jwk AS "publicJwk", private_sealed AS "privateSealed"
     FROM signing_keys ORDER BY created_at DESC, kid`,
);

/** Serialises every change of keys; held until the transaction ends. */
export async function lockSigningKeys(tx: Tx): Promise<void> {
  await tx.query(LOCK_KEYS, []);
}

const LOCK_KEYS = sql('token.lock_keys', `SELECT pg_advisory_xact_lock(hashtext('signing_keys'))`);

/** Inserts the key unless its purpose already has one in that state; says whether it did. */
export async function insertSigningKey(tx: Tx, key: SigningKeyRow): Promise<boolean> {
  const rows = await tx.query(INSERT_KEY, [
    key.kid,
    key.purpose,
    key.state,
    JSON.stringify(key.publicJwk),
    JSON.stringify(key.privateSealed),
  ]);
  return rows.length === 1;
}

const INSERT_KEY = sql(
  'token.insert_key',
  `INSERT INTO signing_keys (kid, purpose, state, public_jwk, private_sealed, activated_at)
   VALUES ($1, $2, $3, $4, $5, CASE WHEN $3 = 'active' THEN now() END)
   ON CONFLICT DO NOTHING RETURNING kid`,
);

/** The purpose's pending key, if it has been published for `seconds`. */
export async function selectRipeKey(
  tx: Tx,
  purpose: KeyPurpose,
  seconds: number,
): Promise<{ kid: string } | undefined> {
  const [row] = await tx.query<{ kid: string }>(SELECT_RIPE, [purpose, seconds]);
  return row;
}

const SELECT_RIPE = sql(
  'token.select_ripe',
  `SELECT kid FROM signing_keys
    WHERE purpose = $1 AND state = 'pending' AND created_at <= now() - make_interval(secs => $2)`,
);

/** Ends the signing life of the purpose's active key; it goes on verifying. */
export async function retireActiveKey(tx: Tx, purpose: KeyPurpose): Promise<void> {
  await tx.query(RETIRE_ACTIVE, [purpose]);
}

const RETIRE_ACTIVE = sql(
  'token.retire_active',
  `UPDATE signing_keys SET state = 'retired', retired_at = now()
    WHERE purpose = $1 AND state = 'active'`,
);

export async function activateKey(tx: Tx, kid: string): Promise<void> {
  await tx.query(ACTIVATE, [kid]);
}

const ACTIVATE = sql(
  'token.activate',
  `UPDATE signing_keys SET state = 'active', activated_at = now() WHERE kid = $1`,
);

/** Forgets retired keys after the last token that they signed has ended. */
export async function deleteSpentKeys(
  db: Queryable,
  secondsKept: Readonly<Record<KeyPurpose, number>>,
): Promise<void> {
  await db.query(DELETE_SPENT, [secondsKept.access, secondsKept.refresh]);
}

const DELETE_SPENT = sql(
  'token.delete_spent',
  `DELETE FROM signing_keys
    WHERE state = 'retired'
      AND retired_at < now() - make_interval(secs => CASE purpose WHEN 'access' THEN $1::integer ELSE $2::integer END)`,
);
