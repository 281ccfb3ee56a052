import { DomainError } from '../errors.ts';
import type { FieldViolation } from '../errors.ts';

interface IncomingPreKey {
  readonly keyId: number;
  readonly publicKey: Uint8Array;
}

interface IncomingSignedKey extends IncomingPreKey {
  readonly signature: Uint8Array;
}

/** A device's first keys as they arrive. */
export interface IncomingBundle {
  readonly identityKey: Uint8Array;
  readonly signedPreKey?: IncomingSignedKey | undefined;
  readonly preKeys: readonly IncomingPreKey[];
  readonly registrationId?: number | undefined;
  readonly lastResortKemPreKey?: IncomingSignedKey | undefined;
  readonly kemPreKeys: readonly IncomingSignedKey[];
  readonly encryptedIdentityBackup?: Uint8Array | undefined;
}

/** The same with lengths checked and EC keys in their 33-byte form. */
export interface KeyBundle {
  readonly identityKey: Buffer;
  /** The client sent bare 32-byte keys, without a type byte. */
  readonly isLegacyEncoding: boolean;
  readonly signedPreKey: StoredSignedKey;
  readonly preKeys: readonly StoredPreKey[];
  readonly registrationId: number | undefined;
  readonly kemPreKeys: readonly (StoredSignedKey & { readonly isLastResort: boolean })[];
  readonly encryptedIdentityBackup: Buffer | undefined;
}

export interface StoredPreKey {
  readonly keyId: number;
  readonly publicKey: Buffer;
}

export interface StoredSignedKey extends StoredPreKey {
  readonly signature: Buffer;
}

const EC_TYPE = 0x05;
const KEM_TYPE = 0x08;
const EC_BARE_BYTES = 32;
const KEM_BYTES = 1569;
const SIGNATURE_BYTES = 64;

/** Checks lengths, type bytes and distinct ids. @throws KEY_FORMAT_INVALID naming every field */
export function readBundle(incoming: IncomingBundle): KeyBundle {
  const violations: FieldViolation[] = [];
  const refuse = (field: string, description: string) => violations.push({ field, description });
  const identityKey = ecKey(incoming.identityKey, 'signalKeyBundle.identityKey', refuse);
  const preKeys = incoming.preKeys.map(({ keyId, publicKey }, index) => ({
    keyId,
    publicKey: ecKey(publicKey, `signalKeyBundle.preKeys[${index}].publicKey`, refuse),
  }));
  const kemPreKeys = readKemKeys(incoming, refuse);
  refuseRepeatedIds(preKeys, 'signalKeyBundle.preKeys', refuse);
  refuseRepeatedIds(kemPreKeys, 'signalKeyBundle.kemPreKeys', refuse);
  const signedPreKey = readSignedPreKey(incoming.signedPreKey, refuse);
  if (violations.length > 0) throw formatInvalid(violations);
  return {
    identityKey,
    isLegacyEncoding: incoming.identityKey.length === EC_BARE_BYTES,
    signedPreKey,
    preKeys,
    registrationId: incoming.registrationId,
    kemPreKeys,
    encryptedIdentityBackup:
      incoming.encryptedIdentityBackup && Buffer.from(incoming.encryptedIdentityBackup),
  };
}

type Refuse = (field: string, description: string) => void;

function readSignedPreKey(
  incoming: IncomingSignedKey | undefined,
  refuse: Refuse,
): StoredSignedKey {
  const field = 'signalKeyBundle.signedPreKey';
  if (!incoming) {
    refuse(field, 'is required');
    return { keyId: 0, publicKey: Buffer.alloc(0), signature: Buffer.alloc(0) };
  }
  return {
    keyId: incoming.keyId,
    publicKey: ecKey(incoming.publicKey, `${field}.publicKey`, refuse),
    signature: signature(incoming.signature, `${field}.signature`, refuse),
  };
}

function readKemKeys(incoming: IncomingBundle, refuse: Refuse): KeyBundle['kemPreKeys'] {
  const read = (key: IncomingSignedKey, field: string, isLastResort: boolean) => ({
    keyId: key.keyId,
    publicKey: kemKey(key.publicKey, `${field}.publicKey`, refuse),
    signature: signature(key.signature, `${field}.signature`, refuse),
    isLastResort,
  });
  const oneTime = incoming.kemPreKeys.map((key, index) =>
    read(key, `signalKeyBundle.kemPreKeys[${index}]`, false),
  );
  const last = incoming.lastResortKemPreKey;
  if (!last) return oneTime;
  return [...oneTime, read(last, 'signalKeyBundle.lastResortKemPreKey', true)];
}

/** 33 bytes with the type byte; bare 32 bytes get it (the deployed app sends them so). */
function ecKey(bytes: Uint8Array, field: string, refuse: Refuse): Buffer {
  if (bytes.length === EC_BARE_BYTES) return Buffer.concat([Buffer.from([EC_TYPE]), bytes]);
  if (bytes.length !== EC_BARE_BYTES + 1 || bytes[0] !== EC_TYPE) {
    refuse(field, 'must be 0x05 and 32 bytes');
  }
  return Buffer.from(bytes);
}

function kemKey(bytes: Uint8Array, field: string, refuse: Refuse): Buffer {
  if (bytes.length !== KEM_BYTES || bytes[0] !== KEM_TYPE)
    refuse(field, 'must be 0x08 and 1568 bytes');
  return Buffer.from(bytes);
}

function signature(bytes: Uint8Array, field: string, refuse: Refuse): Buffer {
  if (bytes.length !== SIGNATURE_BYTES) refuse(field, 'must have 64 bytes');
  return Buffer.from(bytes);
}

function refuseRepeatedIds(keys: readonly StoredPreKey[], field: string, refuse: Refuse): void {
  const seen = new Set<number>();
  for (const [index, { keyId }] of keys.entries()) {
    if (seen.has(keyId)) refuse(`${field}[${index}].keyId`, 'is used twice in this list');
    seen.add(keyId);
  }
}

function formatInvalid(violations: readonly FieldViolation[]): DomainError {
  return new DomainError('KEY_FORMAT_INVALID', 'The device keys are not valid.', { violations });
}
