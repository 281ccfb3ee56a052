import { hash } from 'node:crypto';
import { DomainError, storeUnavailable } from '../errors.ts';
import { nowSeconds } from '../platform/clock.ts';
import { PostgresUnavailable } from '../platform/postgres.ts';
import type { Database } from '../platform/postgres.ts';
import type { RedisStore } from '../platform/redis.ts';
import { checkAccessToken, checkWsToken } from '../token/access-token.ts';
import type { AccessTokenCheck, TokenDeps } from '../token/access-token.ts';
import type { Principal } from '../token/principal.ts';
import type { RevocationFeed } from './revocation-feed.ts';
import { isRememberedRevoked } from './revoke.ts';
import { isSessionLiving } from './store.ts';

type AuthenticatorDeps = TokenDeps & {
  readonly db: Database;
  readonly redis: RedisStore;
  readonly feed: RevocationFeed;
};

/** About 4 MB at the most. */
const MAX_CACHED = 10_000;

/**
 * Turns an access token into its bearer. Verified tokens are remembered by digest until they end, so
 * a busy token costs one hash; revocation is asked every time.
 */
export class Authenticator {
  readonly #deps: AuthenticatorDeps;
  readonly #verified = new Map<string, Principal>();
  /** Entity tag of the keys that the remembered tokens were verified with. */
  #keys = '';

  constructor(deps: AuthenticatorDeps) {
    this.#deps = deps;
  }

  /**
   * Answers at once while the revocation feed is fresh and the key is known; otherwise asks the
   * database. @throws TOKEN_INVALID, TOKEN_EXPIRED, SESSION_REVOKED, STORE_UNAVAILABLE
   */
  authenticate(token: string): Principal | Promise<Principal> {
    const check = this.#check(token);
    if (check.status === 'unknown_key') return this.#authenticateWithNewKeys(token);
    return this.#settle(check);
  }

  /** The same for a ws-token, which lives a minute and is seen once: nothing is remembered. */
  async authenticateWs(token: string): Promise<Principal> {
    const check = checkWsToken(this.#deps, token);
    if (check.status !== 'unknown_key') return this.#settle(check);
    await this.#deps.keyRing.refetch();
    return this.#settle(checkWsToken(this.#deps, token));
  }

  async #authenticateWithNewKeys(token: string): Promise<Principal> {
    await this.#deps.keyRing.refetch();
    return this.#settle(this.#check(token));
  }

  #check(token: string): AccessTokenCheck {
    this.#forgetOldKeys();
    const digest = hash('sha256', token, 'base64');
    const known = this.#verified.get(digest);
    if (known) return this.#checkKnown(digest, known);
    const check = checkAccessToken(this.#deps, token);
    if (check.status === 'valid') this.#remember(digest, check.principal);
    return check;
  }

  /** What a withdrawn key signed must not outlive it here. */
  #forgetOldKeys(): void {
    const { etag } = this.#deps.keyRing.jwks();
    if (etag !== this.#keys) this.#verified.clear();
    this.#keys = etag;
  }

  #checkKnown(digest: string, principal: Principal): AccessTokenCheck {
    if (principal.expiresAtSeconds > nowSeconds(this.#deps.clock))
      return { status: 'valid', principal };
    this.#verified.delete(digest);
    return { status: 'expired' };
  }

  #remember(digest: string, principal: Principal): void {
    this.#verified.set(digest, principal);
    if (this.#verified.size <= MAX_CACHED) return;
    const [oldest] = this.#verified.keys();
    if (oldest !== undefined) this.#verified.delete(oldest);
  }

  #settle(check: AccessTokenCheck): Principal | Promise<Principal> {
    if (check.status === 'expired') {
      throw new DomainError('TOKEN_EXPIRED', 'Your session needs to be refreshed.');
    }
    if (check.status !== 'valid') throw new DomainError('TOKEN_INVALID', 'Please sign in again.');
    const { principal } = check;
    if (this.#deps.feed.isRevoked(principal.sessionId)) throw sessionRevoked();
    return this.#deps.feed.isFresh() ? principal : this.#askDatabase(principal);
  }

  async #askDatabase(principal: Principal): Promise<Principal> {
    try {
      if (await isSessionLiving(this.#deps.db, principal.sessionId)) return principal;
    } catch (error) {
      if (!(error instanceof PostgresUnavailable)) throw error;
      const isRevoked = await isRememberedRevoked(this.#deps.redis, principal.sessionId);
      if (!isRevoked) throw storeUnavailable(error);
    }
    throw sessionRevoked();
  }
}

export function sessionRevoked(): DomainError {
  return new DomainError('SESSION_REVOKED', 'You have been signed out. Please sign in again.');
}
