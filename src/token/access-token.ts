import { nowSeconds } from '../platform/clock.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { signJws, verifyJws } from './jws.ts';
import type { Claims, TokenType } from './jws.ts';
import type { KeyRing } from './key-ring.ts';
import type { Principal } from './principal.ts';

export interface TokenSettings {
  readonly jwtIssuer: string;
  readonly jwtAccessAudience: string;
  readonly jwtRefreshAudience: string;
  readonly accessTokenTtlSeconds: number;
  readonly wsTokenTtlSeconds: number;
}

export interface TokenDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly keyRing: KeyRing;
  readonly config: TokenSettings;
}

/** What a session puts into its tokens. */
export interface Subject {
  readonly accountId: string;
  readonly deviceId: string;
  readonly sessionId: string;
  readonly authTimeSeconds: number;
  readonly sessionEndsAtSeconds: number;
  readonly methods: readonly string[];
  readonly contextClass: string;
}

export interface MintedToken {
  readonly token: string;
  readonly expiresInSeconds: number;
}

export type AccessTokenCheck =
  | { readonly status: 'valid'; readonly principal: Principal }
  | { readonly status: 'expired' }
  | { readonly status: 'unknown_key' }
  | { readonly status: 'invalid' };

const WS_AUDIENCE = 'ws';
const INVALID: AccessTokenCheck = { status: 'invalid' };

/** Difference of clocks between us and our replicas that is tolerated. */
const SKEW_SECONDS = 30;

/** An access token (RFC 9068) for the bearer of a session; `aud` is one plain string. */
export function mintAccessToken(deps: TokenDeps, subject: Subject): MintedToken {
  const now = nowSeconds(deps.clock);
  const { accessTokenTtlSeconds, jwtAccessAudience } = deps.config;
  const expires = Math.min(now + accessTokenTtlSeconds, subject.sessionEndsAtSeconds);
  const claims = {
    ...identityClaims(deps, subject, jwtAccessAudience),
    iat: now,
    nbf: now,
    exp: expires,
    auth_time: subject.authTimeSeconds,
    amr: subject.methods,
    acr: subject.contextClass,
  };
  const token = signJws('at+jwt', claims, deps.keyRing.signer('access'));
  return { token, expiresInSeconds: expires - now };
}

/** A token for the WebSocket gateway: its own `typ` and audience, refused here as a bearer. */
export function mintWsToken(deps: TokenDeps, principal: Principal): MintedToken {
  const now = nowSeconds(deps.clock);
  const expires = now + deps.config.wsTokenTtlSeconds;
  const claims = {
    ...identityClaims(deps, principal, WS_AUDIENCE),
    iat: now,
    exp: expires,
  };
  const token = signJws('ws+jwt', claims, deps.keyRing.signer('access'));
  return { token, expiresInSeconds: expires - now };
}

/** Form, signature, issuer, audience and time of an access token. Knows nothing of revocation. */
export function checkAccessToken(deps: TokenDeps, token: string): AccessTokenCheck {
  return check(deps, token, { type: 'at+jwt', audience: deps.config.jwtAccessAudience });
}

/** The same for a ws-token. It says nothing of when and how its bearer signed in. */
export function checkWsToken(deps: TokenDeps, token: string): AccessTokenCheck {
  return check(deps, token, { type: 'ws+jwt', audience: WS_AUDIENCE });
}

function check(
  deps: TokenDeps,
  token: string,
  expected: { type: TokenType; audience: string },
): AccessTokenCheck {
  const verified = verifyJws(token, expected.type, (kid) => deps.keyRing.publicKey('access', kid));
  if (verified.status !== 'valid') return { status: verified.status };
  const { claims } = verified;
  if (claims['iss'] !== deps.config.jwtIssuer || claims['aud'] !== expected.audience)
    return INVALID;
  const principal = principalFrom(claims);
  const now = nowSeconds(deps.clock);
  if (!principal || principal.issuedAtSeconds > now + SKEW_SECONDS) return INVALID;
  return principal.expiresAtSeconds <= now ? { status: 'expired' } : { status: 'valid', principal };
}

function identityClaims(
  deps: TokenDeps,
  subject: Pick<Subject, 'accountId' | 'deviceId' | 'sessionId'>,
  audience: string,
): Claims {
  return {
    iss: deps.config.jwtIssuer,
    aud: audience,
    sub: subject.accountId,
    deviceId: subject.deviceId,
    sid: subject.sessionId,
    jti: deps.random.uuid(),
  };
}

function principalFrom(claims: Claims): Principal | undefined {
  const { sub, deviceId, sid, jti, iat, exp, amr, acr } = claims;
  const authTime = claims['auth_time'];
  if (typeof sub !== 'string' || typeof deviceId !== 'string') return undefined;
  if (typeof sid !== 'string' || typeof jti !== 'string') return undefined;
  if (typeof iat !== 'number' || typeof exp !== 'number') return undefined;
  return {
    accountId: sub,
    deviceId,
    sessionId: sid,
    tokenId: jti,
    issuedAtSeconds: iat,
    expiresAtSeconds: exp,
    authTimeSeconds: typeof authTime === 'number' ? authTime : 0,
    methods: Array.isArray(amr) ? amr.filter((method) => typeof method === 'string') : [],
    contextClass: typeof acr === 'string' ? acr : '',
  };
}
