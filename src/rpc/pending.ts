/** The second factor: issue 4. */
export const PENDING_TWO_FACTOR = [
  'getTwoFactorStatus',
  'setUpTwoFactor',
  'enableTwoFactor',
  'verifyTwoFactor',
  'disableTwoFactor',
  'getRemainingBackupCodes',
  'regenerateBackupCodes',
  'useBackupCode',
] as const;

/** Step-up and the life of an account: issue 4. */
export const PENDING_ACCOUNT = [
  'approveStepUp',
  'getAccount',
  'requestOldNumberVerification',
  'confirmOldNumberVerification',
  'requestNewNumberVerification',
  'confirmNewNumberVerification',
  'changePhoneNumber',
  'liftNumberRefusal',
  'deleteAccount',
  'lockDownAccount',
  'liftLockdown',
  'startRecovery',
  'cancelRecovery',
  'completeRecovery',
  'listAuditEvents',
  'receiveDeliveryReceipt',
] as const;

/** Managing and linking devices: issue 4. */
export const PENDING_DEVICE = [
  'getDevice',
  'renameDevice',
  'revokeDevice',
  'revokeOtherDevices',
  'listUserDevices',
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
