import {
  boolean,
  bytes,
  identity,
  integer,
  json,
  madeAt,
  network,
  nullable,
  primary,
  table,
  text,
  time,
  unique,
  uuid,
  withDefault,
  writtenBy,
} from './columns.ts';

const accounts = table('users_auth', {
  columns: {
    id: primary(uuid),
    phoneNumber: nullable(unique(text)),
    twoFactorSecret: nullable(json),
    twoFactorEnabled: withDefault(boolean, false),
    lastAuthenticatedAt: nullable(time),
    lockedDownAt: nullable(time),
    lockedDownBy: nullable(text),
    historyFrom: nullable(time),
    createdAt: madeAt,
    updatedAt: madeAt,
  },
  checks: [
    {
      name: 'users_auth_phone_number_check',
      expression: `phone_number ~ '^\\+[1-9][0-9]{6,14}$'`,
    },
    {
      name: 'users_auth_locked_down_by_check',
      expression: `locked_down_by IN ('owner', 'operator')`,
    },
    {
      name: 'users_auth_lockdown_check',
      expression: '(locked_down_at IS NULL) = (locked_down_by IS NULL)',
    },
  ],
});

const devices = table('devices', {
  columns: {
    userId: primary(uuid),
    id: primary(uuid),
    deviceName: text,
    deviceType: text,
    model: withDefault(text, ''),
    osVersion: withDefault(text, ''),
    appVersion: withDefault(text, ''),
    deviceFingerprint: text,
    publicKey: nullable(bytes),
    lastActive: madeAt,
    isVerified: withDefault(boolean, false),
    isActive: withDefault(boolean, true),
    createdAt: madeAt,
  },
  uniques: [{ columns: ['userId', 'deviceFingerprint'] }],
  foreignKeys: [ownedByAccount()],
});

const sessions = table('sessions', {
  columns: {
    id: primary(uuid),
    userId: uuid,
    deviceId: uuid,
    refreshCounter: withDefault(integer, 0),
    rotatedAt: madeAt,
    lateRefreshes: { type: 'timestamptz', array: true, default: [] },
    authTime: madeAt,
    amr: { type: 'text', array: true },
    acr: text,
    ipPrefix: network,
    createdAt: madeAt,
    lastSeenAt: madeAt,
    idleExpiresAt: time,
    absoluteExpiresAt: time,
    steppedUpAt: nullable(time),
    revokedAt: nullable(time),
    revokeReason: nullable(text),
  },
  foreignKeys: [ownedByDevice()],
  checks: [
    {
      name: 'sessions_check',
      expression: '(revoked_at IS NULL) = (revoke_reason IS NULL)',
    },
  ],
  indices: [
    { name: 'sessions_account', columns: ['userId', 'deviceId'] },
    { name: 'sessions_living', columns: ['userId', 'deviceId'], where: 'revoked_at IS NULL' },
  ],
});

const revocations = table('revocations', {
  columns: {
    id: identity,
    xid: writtenBy,
    sessionId: uuid,
    userId: uuid,
    deviceId: uuid,
    reason: text,
    revokedAt: madeAt,
    expiresAt: time,
  },
  indices: [
    { name: 'revocations_cursor', columns: ['xid', 'id'] },
    { name: 'revocations_expiry', columns: ['expiresAt'] },
  ],
});

const consumedVerifications = table('consumed_verifications', {
  columns: { id: primary(uuid), consumedAt: madeAt },
});

const backupCodes = table('backup_codes', {
  columns: {
    userId: primary(uuid),
    slot: { type: 'smallint', primary: true },
    codeHash: text,
    pepperKid: text,
    salt: bytes,
    used: withDefault(boolean, false),
    createdAt: madeAt,
  },
  checks: [{ name: 'backup_codes_slot_check', expression: 'slot BETWEEN 0 AND 9' }],
  foreignKeys: [ownedByAccount()],
  indices: [{ name: 'backup_codes_pepper', columns: ['pepperKid'] }],
});

const signingKeys = table('signing_keys', {
  columns: {
    kid: primary(text),
    purpose: text,
    state: text,
    publicJwk: json,
    privateSealed: json,
    createdAt: madeAt,
    activatedAt: nullable(time),
    retiredAt: nullable(time),
  },
  checks: [
    { name: 'signing_keys_purpose_check', expression: `purpose IN ('access', 'refresh')` },
    { name: 'signing_keys_state_check', expression: `state IN ('pending', 'active', 'retired')` },
  ],
  indices: [
    oneSigningKeyPerPurpose('signing_keys_one_active', 'active'),
    oneSigningKeyPerPurpose('signing_keys_one_pending', 'pending'),
  ],
});

/** Accounts, devices, sessions, and what proves or ends them. */
export const accountEntities = [
  accounts,
  devices,
  sessions,
  revocations,
  consumedVerifications,
  backupCodes,
  signingKeys,
];

/** The row goes when its account goes. */
export function ownedByAccount() {
  return {
    target: 'users_auth',
    columnNames: ['userId'],
    referencedColumnNames: ['id'],
    onDelete: 'CASCADE' as const,
  };
}

/** The row goes when its device goes. */
export function ownedByDevice() {
  return {
    target: 'devices',
    columnNames: ['userId', 'deviceId'],
    referencedColumnNames: ['userId', 'id'],
    onDelete: 'CASCADE' as const,
  };
}

function oneSigningKeyPerPurpose(name: string, state: string) {
  return { name, columns: ['purpose'], unique: true, where: `state = '${state}'` };
}
