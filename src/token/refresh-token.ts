import { nowSeconds } from '../platform/clock.ts';
import type { TokenDeps } from './access-token.ts';
import { signJws, verifyJws } from './jws.ts';

/** A refresh token names a session and a rotation, and nothing about the person. */
export interface RefreshGrant {
  readonly sessionId: string;
  /** Rotation that this token stands for; the session row holds that of the newest token. */
  readonly counter: number;
  /** The earlier of the session's idle and absolute end. */
  readonly expiresAtSeconds: number;
}

export type RefreshTokenCheck =
  | { readonly status: 'valid'; readonly grant: RefreshGrant }
  | { readonly status: 'expired' }
  | { readonly status: 'unknown_key' }
  | { readonly status: 'invalid' };

/** Signed with a key of its own purpose, which is in no JWKS: no sibling can take it for access. */
export function mintRefreshToken(deps: TokenDeps, grant: RefreshGrant): string {
  const claims = {
    iss: deps.config.jwtIssuer,
    aud: deps.config.jwtRefreshAudience,
    sid: grant.sessionId,
    ctr: grant.counter,
    iat: nowSeconds(deps.clock),
    exp: grant.expiresAtSeconds,
  };
  return signJws('rt+jwt', claims, deps.keyRing.signer('refresh'));
}

/** Refuses a forged token without a database read. */
export function checkRefreshToken(deps: TokenDeps, token: string): RefreshTokenCheck {
  const verified = verifyJws(token, 'rt+jwt', (kid) => deps.keyRing.publicKey('refresh', kid));
  if (verified.status !== 'valid') return { status: verified.status };
  const { iss, aud, sid, ctr, exp } = verified.claims;
  if (iss !== deps.config.jwtIssuer || aud !== deps.config.jwtRefreshAudience)
    return { status: 'invalid' };
  if (typeof sid !== 'string' || !isCounter(ctr) || typeof exp !== 'number')
    return { status: 'invalid' };
  if (exp <= nowSeconds(deps.clock)) return { status: 'expired' };
  return { status: 'valid', grant: { sessionId: sid, counter: ctr, expiresAtSeconds: exp } };
}

function isCounter(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
