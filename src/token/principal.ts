import type { Origin } from '../audit/append.ts';

/** Who calls, as a valid access token says it. */
export interface Principal {
  /** The account's UUID, the same as in user-service. */
  readonly accountId: string;
  readonly deviceId: string;
  readonly sessionId: string;
  /** The token's `jti`. */
  readonly tokenId: string;
  /** First authentication of the session, seconds since the Unix epoch; refreshing keeps it. */
  readonly authTimeSeconds: number;
  /** When the access token was issued, seconds since the Unix epoch. */
  readonly issuedAtSeconds: number;
  /** End of the access token, seconds since the Unix epoch. */
  readonly expiresAtSeconds: number;
  /** Authentication methods (RFC 8176). */
  readonly methods: readonly string[];
  /** Authentication context class. */
  readonly contextClass: string;
}

/** A user who calls, and from where. */
export interface Bearer {
  readonly principal: Principal;
  readonly origin: Origin;
}
