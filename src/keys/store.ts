import { sql } from '../platform/postgres.ts';
import type { Tx } from '../platform/postgres.ts';
import type { KeyBundle } from './bundle.ts';

/** A device of an account. */
export interface KeyOwner {
  readonly accountId: string;
  readonly deviceId: string;
}

/** Stores the identity key of a device that has none; says whether it did. */
export async function insertIdentityKey(
  tx: Tx,
  owner: KeyOwner,
  bundle: KeyBundle,
): Promise<boolean> {
  const rows = await tx.query(INSERT_IDENTITY, [
    owner.accountId,
    owner.deviceId,
    bundle.identityKey,
    bundle.encryptedIdentityBackup ?? null,
    bundle.registrationId ?? null,
    bundle.isLegacyEncoding,
  ]);
  return rows.length === 1;
}

const INSERT_IDENTITY = sql(
  'keys.insert_identity',
  `INSERT INTO identity_keys
     (user_id, device_id, public_key, private_key_encrypted, registration_id, legacy_encoding)
   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING device_id`,
);

export async function insertSignedPreKey(
  tx: Tx,
  owner: KeyOwner,
  bundle: KeyBundle,
): Promise<void> {
  const { keyId, publicKey, signature } = bundle.signedPreKey;
  await tx.query(INSERT_SIGNED, [owner.accountId, owner.deviceId, keyId, publicKey, signature]);
}

const INSERT_SIGNED = sql(
  'keys.insert_signed',
  `INSERT INTO signed_prekeys (user_id, device_id, key_id, public_key, signature)
   VALUES ($1, $2, $3, $4, $5)`,
);

export async function insertPreKeys(tx: Tx, owner: KeyOwner, bundle: KeyBundle): Promise<void> {
  const ids = bundle.preKeys.map(({ keyId }) => keyId);
  const keys = bundle.preKeys.map(({ publicKey }) => publicKey);
  await tx.query(INSERT_PREKEYS, [owner.accountId, owner.deviceId, ids, keys]);
}

const INSERT_PREKEYS = sql(
  'keys.insert_prekeys',
  `INSERT INTO prekeys (user_id, device_id, key_id, public_key)
   SELECT $1, $2, id, key FROM unnest($3::integer[], $4::bytea[]) AS given (id, key)`,
);

export async function insertKemPreKeys(tx: Tx, owner: KeyOwner, bundle: KeyBundle): Promise<void> {
  await tx.query(INSERT_KEM, [
    owner.accountId,
    owner.deviceId,
    bundle.kemPreKeys.map(({ keyId }) => keyId),
    bundle.kemPreKeys.map(({ publicKey }) => publicKey),
    bundle.kemPreKeys.map(({ signature }) => signature),
    bundle.kemPreKeys.map(({ isLastResort }) => isLastResort),
  ]);
}

const INSERT_KEM = sql(
  'keys.insert_kem',
  `INSERT INTO kem_prekeys (user_id, device_id, key_id, public_key, signature, is_last_resort)
   SELECT $1, $2, id, key, signature, last
     FROM unnest($3::integer[], $4::bytea[], $5::bytea[], $6::boolean[])
       AS given (id, key, signature, last)`,
);

/** The identity key of a device, if it has one. */
export async function selectIdentityKey(tx: Tx, owner: KeyOwner): Promise<Buffer | undefined> {
  const [row] = await tx.query<{ publicKey: Buffer }>(SELECT_IDENTITY, [
    owner.accountId,
    owner.deviceId,
  ]);
  return row?.publicKey;
}

const SELECT_IDENTITY = sql(
  'keys.select_identity',
  'SELECT public_key AS "publicKey" FROM identity_keys WHERE user_id = $1 AND device_id = $2',
);

/** Erases every key of those of the devices that have no living session (any more). */
export async function eraseEndedKeys(
  tx: Tx,
  accountId: string,
  deviceIds: readonly string[],
): Promise<void> {
  await tx.query(ERASE_ENDED, [accountId, deviceIds]);
}

const ERASE_ENDED = sql(
  'keys.erase_ended',
  `WITH ended AS (
     SELECT given.id FROM unnest($2::uuid[]) AS given (id)
      WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE s.user_id = $1 AND s.device_id = given.id
                           AND s.revoked_at IS NULL AND s.idle_expires_at > now())
   ), kem AS (
     DELETE FROM kem_prekeys k USING ended WHERE k.user_id = $1 AND k.device_id = ended.id
   ), one_time AS (
     DELETE FROM prekeys k USING ended WHERE k.user_id = $1 AND k.device_id = ended.id
   ), signed AS (
     DELETE FROM signed_prekeys k USING ended WHERE k.user_id = $1 AND k.device_id = ended.id
   )
   DELETE FROM identity_keys k USING ended WHERE k.user_id = $1 AND k.device_id = ended.id`,
);
