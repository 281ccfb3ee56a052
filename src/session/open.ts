import type { Clock } from '../platform/clock.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import { mintAccessToken } from '../token/access-token.ts';
import type { TokenDeps } from '../token/access-token.ts';
import { mintRefreshToken } from '../token/refresh-token.ts';
import { nowSeconds } from '../platform/clock.ts';
import type { SessionRow } from './store.ts';
import { insertSession } from './store.ts';

export interface OpenDeps {
  readonly random: Random;
  readonly config: { readonly sessionIdleSeconds: number; readonly sessionAbsoluteSeconds: number };
}

export interface NewSessionOf {
  readonly accountId: string;
  readonly deviceId: string;
  /** RFC 8176 values, such as `sms`. */
  readonly methods: readonly string[];
  readonly ipPrefix: string;
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

/** Opens a session inside the transaction that admits its device; mint its tokens after COMMIT. */
export async function openSession(
  deps: OpenDeps,
  tx: Tx,
  input: NewSessionOf,
): Promise<SessionRow> {
  const row = await insertSession(tx, {
    ...input,
    id: deps.random.uuid(),
    contextClass: input.methods.length > 1 ? 'mfa' : 'phone',
    idleSeconds: deps.config.sessionIdleSeconds,
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
