import type { Clock } from '../platform/clock.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import { mintAccessToken } from '../token/access-token.ts';
import type { TokenDeps } from '../token/access-token.ts';
import { mintRefreshToken } from '../token/refresh-token.ts';
import { nowSeconds } from '../platform/clock.ts';
import type { SessionRow } from './store.ts';
import { sessionRevoked } from './authenticate.ts';
import { insertInheritingSession, insertSession } from './store.ts';

export interface OpenDeps {
  readonly random: Random;
  readonly config: { readonly sessionIdleSeconds: number; readonly sessionAbsoluteSeconds: number };
}

/** How a session begins: with a proof of its own, or with what another session proved (QR). */
export type SessionStart =
  /** RFC 8176 values, such as `sms`. */
  | { readonly methods: readonly string[] }
  /** Its authentication time, methods and absolute end are copied; it must live. */
  | { readonly inheritsFrom: string };

export interface NewSessionOf {
  readonly accountId: string;
  readonly deviceId: string;
  readonly ipPrefix: string;
  readonly start: SessionStart;
}

/** The tokens of a session as every sign-in answers them. */
export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly accountId: string;
  readonly deviceId: string;
  readonly sessionId: string;
  readonly expiresInSeconds: number;
  readonly refreshExpiresInSeconds: number;
}

/**
 * Opens a session inside the transaction that admits its device; mint its tokens after COMMIT.
 * @throws SESSION_REVOKED when the session to inherit from has ended
 */
export async function openSession(
  deps: OpenDeps,
  tx: Tx,
  input: NewSessionOf,
): Promise<SessionRow> {
  const { start, ...owner } = input;
  const common = {
    ...owner,
    id: deps.random.uuid(),
    idleSeconds: deps.config.sessionIdleSeconds,
  };
  if ('inheritsFrom' in start) {
    const row = await insertInheritingSession(tx, { ...common, fromId: start.inheritsFrom });
    if (!row) throw sessionRevoked();
    return row;
  }
  const { methods } = start;
  const row = await insertSession(tx, {
    ...common,
    methods,
    contextClass: methods.length > 1 ? 'mfa' : 'phone',
    absoluteSeconds: deps.config.sessionAbsoluteSeconds,
  });
  if (!row) throw new Error('INSERT … RETURNING gave no session');
  return row;
}

/** Access and refresh token for the session's newest counter. */
export function mintTokens(
  deps: TokenDeps & { readonly clock: Clock },
  session: SessionRow,
): TokenPair {
  const idleEnd = Math.floor(session.idleEndsAtSeconds);
  const access = mintAccessToken(deps, {
    accountId: session.accountId,
    deviceId: session.deviceId,
    sessionId: session.id,
    authTimeSeconds: Math.floor(session.authTimeSeconds),
    sessionEndsAtSeconds: Math.floor(session.absoluteEndsAtSeconds),
    methods: session.methods,
    contextClass: session.contextClass,
  });
  const grant = {
    sessionId: session.id,
    counter: session.refreshCounter,
    expiresAtSeconds: idleEnd,
  };
  return {
    accessToken: access.token,
    refreshToken: mintRefreshToken(deps, grant),
    accountId: session.accountId,
    deviceId: session.deviceId,
    sessionId: session.id,
    expiresInSeconds: access.expiresInSeconds,
    refreshExpiresInSeconds: Math.max(0, idleEnd - nowSeconds(deps.clock)),
  };
}
