/** Linking devices: issue 4. */
export const PENDING_DEVICE = [
  'startLink',
  'reissueLinkCode',
  'getLink',
  'watchLink',
  'scanLink',
  'approveLink',
  'declineLink',
  'completeLink',
] as const;

/** The key directory: issue 5. */
export const PENDING_KEYS = [
  'publishDeviceKeys',
  'uploadOneTimePreKeys',
  'rotateSignedPreKey',
  'rotateLastResortPreKey',
  'rotateIdentityKey',
  'getPreKeyStatus',
  'getKeyHealth',
  'checkKeyDigest',
  'resetOneTimePreKeys',
  'getIdentityBackup',
  'listKeyDevices',
  'getDeviceKeyBundle',
  'claimPreKeyBundles',
  'batchClaimPreKeyBundles',
  'batchCheckIdentityKeys',
  'watchKeyEvents',
  'listKeyVersions',
  'watchKeyChanges',
  'getCheckpoint',
  'getLogTile',
  'lookupAccountKey',
  'getConsistencyProof',
  'listAccountKeyEvents',
] as const;
