/** What a token needs of its session; times are seconds since the Unix epoch. */
export type SessionRow = {
  id: string;
  accountId: string;
  deviceId: string;
  refreshCounter: number;
  authTimeSeconds: number;
  idleEndsAtSeconds: number;
  absoluteEndsAtSeconds: number;
  methods: string[];
  contextClass: string;
};

export type StaleSessionRow = SessionRow & {
  isRevoked: boolean;
  isExpired: boolean;
  secondsSinceRotation: number;
  /** Late refreshes of the last 30 days. */
  lateCount: number;
  secondsSinceLate: number | null;
};

export type ListedSessionRow = {
  id: string;
  deviceId: string;
  deviceName: string;
  platform: string;
  ipPrefix: string;
  createdAt: Date;
  lastSeenAt: Date;
  expiresAt: Date;
  methods: string[];
  isJunior: boolean;
  /** Position in the list: last use in microseconds since the Unix epoch. */
  position: string;
};

export type RevocationRow = {
  id: string;
  xid: string;
  sessionId: string;
  accountId: string;
  deviceId: string;
  reason: RevokeReason;
  revokedAt: Date;
  expiresAt: Date;
  /** Whether no transaction that could still commit an earlier row is open. */
  isSettled: boolean;
};

/** Why a session ended, as it is stored. */
export type RevokeReason = 'logout' | 'revoked' | 'refresh_reused' | 'device_removed';
