import { timestampFromDate, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { ErrorReason } from '../../gen/whispr/auth/v1/error_reason_pb.ts';
import { RevocationReason } from '../../gen/whispr/auth/v1/session_pb.ts';
import type {
  RevocationSchema,
  SessionSchema,
  ValidateTokenResponseSchema,
} from '../../gen/whispr/auth/v1/session_pb.ts';
import type { TokenPair } from './open.ts';
import type { ListedSessionRow } from './store.ts';
import type { RevocationRow, RevokeReason } from './store-revocation.ts';
import type { Validation } from './validate.ts';

const REVOKE_REASONS: Readonly<Record<RevokeReason, RevocationReason>> = {
  logout: RevocationReason.LOGOUT,
  revoked: RevocationReason.REVOKED,
  refresh_reused: RevocationReason.REFRESH_REUSED,
  device_removed: RevocationReason.DEVICE_REMOVED,
  lockdown: RevocationReason.LOCKDOWN,
  account_deleted: RevocationReason.ACCOUNT_DELETED,
  number_moved: RevocationReason.NUMBER_MOVED,
  operator: RevocationReason.OPERATOR,
};

/** The fields that register, login and refresh answer alike. */
export function wireTokens(pair: TokenPair) {
  return {
    accessToken: pair.accessToken,
    refreshToken: pair.refreshToken,
    userId: pair.accountId,
    deviceId: pair.deviceId,
    expiresIn: pair.expiresInSeconds,
    refreshExpiresIn: pair.refreshExpiresInSeconds,
    sessionId: pair.sessionId,
    tokenType: 'Bearer',
  };
}

export function wireSession(
  row: ListedSessionRow,
  currentId: string,
): MessageInitShape<typeof SessionSchema> {
  return {
    id: row.id,
    deviceId: row.deviceId,
    deviceName: row.deviceName,
    platform: row.platform,
    ipPrefix: row.ipPrefix,
    createTime: timestampFromDate(row.createdAt),
    lastSeenTime: timestampFromDate(row.lastSeenAt),
    expireTime: timestampFromDate(row.expiresAt),
    isCurrent: row.id === currentId,
    isJunior: row.isJunior,
    methods: row.methods,
  };
}

export function wireRevocation(row: RevocationRow): MessageInitShape<typeof RevocationSchema> {
  return {
    sessionId: row.sessionId,
    userId: row.accountId,
    deviceId: row.deviceId,
    reason: REVOKE_REASONS[row.reason],
    revokeTime: timestampFromDate(row.revokedAt),
    expireTime: timestampFromDate(row.expiresAt),
  };
}

export function wireValidation(
  validation: Validation,
): MessageInitShape<typeof ValidateTokenResponseSchema> {
  if (validation.status === 'inactive') {
    return { active: false, inactiveReason: ErrorReason[validation.reason] };
  }
  const { principal } = validation;
  return {
    active: true,
    userId: principal.accountId,
    deviceId: principal.deviceId,
    sessionId: principal.sessionId,
    tokenId: principal.tokenId,
    issueTime: timestampFromMs(principal.issuedAtSeconds * 1000),
    expireTime: timestampFromMs(principal.expiresAtSeconds * 1000),
    authTime:
      principal.authTimeSeconds > 0 ? timestampFromMs(principal.authTimeSeconds * 1000) : undefined,
    methods: [...principal.methods],
  };
}
