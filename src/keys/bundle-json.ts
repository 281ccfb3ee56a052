import type { KeyBundle, StoredPreKey, StoredSignedKey } from './bundle.ts';

interface PreKeyJson {
  readonly keyId: number;
  readonly publicKey: string;
}

interface SignedKeyJson extends PreKeyJson {
  readonly signature: string;
}

/** A bundle that waits in a JSON column; keys are base64. */
export interface BundleJson {
  readonly identityKey: string;
  readonly isLegacyEncoding: boolean;
  readonly signedPreKey: SignedKeyJson;
  readonly preKeys: readonly PreKeyJson[];
  readonly registrationId?: number;
  readonly kemPreKeys: readonly (SignedKeyJson & { readonly isLastResort: boolean })[];
  readonly encryptedIdentityBackup?: string;
}

/** The bundle as JSON; `bundleFromJson` gives the same bundle again. */
export function bundleToJson(bundle: KeyBundle): BundleJson {
  const { registrationId, encryptedIdentityBackup } = bundle;
  return {
    identityKey: text(bundle.identityKey),
    isLegacyEncoding: bundle.isLegacyEncoding,
    signedPreKey: signedToJson(bundle.signedPreKey),
    preKeys: bundle.preKeys.map(preKeyToJson),
    kemPreKeys: bundle.kemPreKeys.map((key) => ({
      ...signedToJson(key),
      isLastResort: key.isLastResort,
    })),
    ...(registrationId !== undefined && { registrationId }),
    ...(encryptedIdentityBackup && { encryptedIdentityBackup: text(encryptedIdentityBackup) }),
  };
}

/** What `bundleToJson` made; its lengths and ids were checked before. */
export function bundleFromJson(json: BundleJson): KeyBundle {
  const { encryptedIdentityBackup } = json;
  return {
    identityKey: bytes(json.identityKey),
    isLegacyEncoding: json.isLegacyEncoding,
    signedPreKey: signedFromJson(json.signedPreKey),
    preKeys: json.preKeys.map(preKeyFromJson),
    registrationId: json.registrationId,
    kemPreKeys: json.kemPreKeys.map((key) => ({
      ...signedFromJson(key),
      isLastResort: key.isLastResort,
    })),
    encryptedIdentityBackup:
      encryptedIdentityBackup === undefined ? undefined : bytes(encryptedIdentityBackup),
  };
}

function preKeyToJson({ keyId, publicKey }: StoredPreKey): PreKeyJson {
  return { keyId, publicKey: text(publicKey) };
}

function preKeyFromJson({ keyId, publicKey }: PreKeyJson): StoredPreKey {
  return { keyId, publicKey: bytes(publicKey) };
}

function signedToJson(key: StoredSignedKey): SignedKeyJson {
  return { ...preKeyToJson(key), signature: text(key.signature) };
}

function signedFromJson(key: SignedKeyJson): StoredSignedKey {
  return { ...preKeyFromJson(key), signature: bytes(key.signature) };
}

function text(value: Buffer): string {
  return value.toString('base64');
}

function bytes(value: string): Buffer {
  return Buffer.from(value, 'base64');
}
