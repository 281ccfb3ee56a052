import {
  boolean,
  bytes,
  identity,
  integer,
  madeAt,
  nullable,
  primary,
  table,
  time,
  uuid,
  withDefault,
} from './columns.ts';
import { ownedByDevice } from './entities-account.ts';

const KEY_LENGTH = 'octet_length(public_key) = 33';

const identityKeys = table('identity_keys', {
  columns: {
    userId: primary(uuid),
    deviceId: primary(uuid),
    publicKey: bytes,
    privateKeyEncrypted: nullable(bytes),
    registrationId: nullable(integer),
    legacyEncoding: boolean,
    signatureVerified: withDefault(boolean, false),
    createdAt: madeAt,
  },
  foreignKeys: [ownedByDevice()],
  checks: [
    { name: 'identity_keys_public_key_check', expression: KEY_LENGTH },
    {
      name: 'identity_keys_registration_id_check',
      expression: 'registration_id BETWEEN 1 AND 16383',
    },
  ],
});

const signedPrekeys = table('signed_prekeys', {
  columns: {
    userId: primary(uuid),
    deviceId: primary(uuid),
    keyId: integer,
    publicKey: bytes,
    signature: bytes,
    signatureVerified: withDefault(boolean, false),
    expiresAt: nullable(time),
    createdAt: madeAt,
  },
  foreignKeys: [ownedByDevice()],
  checks: [
    { name: 'signed_prekeys_key_id_check', expression: 'key_id >= 0' },
    { name: 'signed_prekeys_public_key_check', expression: KEY_LENGTH },
    { name: 'signed_prekeys_signature_check', expression: 'octet_length(signature) = 64' },
  ],
});

const prekeys = table('prekeys', {
  columns: {
    id: identity,
    userId: uuid,
    deviceId: uuid,
    keyId: integer,
    publicKey: bytes,
    isOneTime: withDefault(boolean, true),
    isUsed: withDefault(boolean, false),
    createdAt: madeAt,
  },
  uniques: [{ columns: ['userId', 'deviceId', 'keyId'] }],
  foreignKeys: [ownedByDevice()],
  checks: [
    { name: 'prekeys_key_id_check', expression: 'key_id >= 0' },
    { name: 'prekeys_public_key_check', expression: KEY_LENGTH },
  ],
});

const kemPrekeys = table('kem_prekeys', {
  columns: {
    id: identity,
    userId: uuid,
    deviceId: uuid,
    keyId: integer,
    publicKey: bytes,
    signature: bytes,
    signatureVerified: withDefault(boolean, false),
    isLastResort: withDefault(boolean, false),
    createdAt: madeAt,
  },
  uniques: [{ columns: ['userId', 'deviceId', 'keyId'] }],
  foreignKeys: [ownedByDevice()],
  checks: [
    { name: 'kem_prekeys_key_id_check', expression: 'key_id >= 0' },
    { name: 'kem_prekeys_public_key_check', expression: 'octet_length(public_key) = 1569' },
    { name: 'kem_prekeys_signature_check', expression: 'octet_length(signature) = 64' },
  ],
});

/** Public key material of devices. */
export const keyEntities = [identityKeys, signedPrekeys, prekeys, kemPrekeys];
