import type { Origin } from '../audit/append.ts';
import { appendAudit } from '../audit/append.ts';
import type { Tx } from '../platform/postgres.ts';
import { RedisUnavailable, script } from '../platform/redis.ts';
import type { RedisStore } from '../platform/redis.ts';
import type { Principal } from '../token/principal.ts';
import type { RevocationFeed } from './revocation-feed.ts';
import type { RevokeReason } from './store-revocation.ts';
import { stepUpRequired } from './seniority.ts';
import type { SeniorityDeps } from './seniority.ts';
import { countSeniorTargets } from './store-seniority.ts';
import { revokeSessions } from './store-revocation.ts';
import type { RevokedSession, RevokeTarget } from './store-revocation.ts';

export type RevokeDeps = SeniorityDeps & {
  readonly config: { readonly accessTokenTtlSeconds: number };
};

export interface AnnounceDeps {
  readonly redis: RedisStore;
  readonly feed: RevocationFeed;
  readonly config: { readonly accessTokenTtlSeconds: number };
}

export interface RevokeRequest {
  readonly principal: Principal;
  readonly target: RevokeTarget;
  readonly reason: RevokeReason;
  readonly origin: Origin;
}

/**
 * Ends sessions of the bearer's account with an audit row for each. Call `announceRevoked` after
 * COMMIT. A session younger than 24 h may end itself and younger ones only, unless stepped up.
 * @throws STEP_UP_REQUIRED
 */
export async function revokeOwnSessions(
  deps: RevokeDeps,
  tx: Tx,
  request: RevokeRequest,
): Promise<RevokedSession[]> {
  const { principal, target, reason } = request;
  const act = { target, sessionId: principal.sessionId };
  if ((await countSeniorTargets(tx, act, deps.config)) > 0) throw stepUpRequired();
  const tokenSeconds = deps.config.accessTokenTtlSeconds;
  const revoked = await revokeSessions(tx, { target, reason, tokenSeconds });
  for (const { sessionId, deviceId } of revoked) {
    await appendAudit(tx, {
      type: reason === 'logout' ? 'session.logout' : 'session.revoked',
      actor: 'account',
      origin: request.origin,
      accountId: principal.accountId,
      deviceId,
      sessionId,
      details: { by: principal.sessionId },
    });
  }
  return revoked;
}

/** Tells this process and Redis at once; every other replica reads it from the feed. */
export async function announceRevoked(
  deps: AnnounceDeps,
  sessionIds: readonly string[],
): Promise<void> {
  const { accessTokenTtlSeconds } = deps.config;
  for (const sessionId of sessionIds) deps.feed.apply(sessionId, accessTokenTtlSeconds);
  await rememberRevoked(deps.redis, sessionIds, accessTokenTtlSeconds);
}

/**
 * `session:{id}` in Redis only ever says "revoked" and lasts as long as the session's last access
 * token. It decides nothing but what is answered while PostgreSQL is away; there is no way to
 * clear it, so a late write cannot revive anything.
 */
async function rememberRevoked(
  redis: RedisStore,
  sessionIds: readonly string[],
  tokenSeconds: number,
): Promise<void> {
  if (sessionIds.length === 0) return;
  await quietly(
    redis.run(
      REMEMBER,
      sessionIds.map((id) => `session:${id}`),
      [tokenSeconds],
    ),
  );
}

/** True when Redis says so; false when it does not know or cannot be asked. */
export async function isRememberedRevoked(redis: RedisStore, sessionId: string): Promise<boolean> {
  return (await quietly(redis.run(RECALL, [`session:${sessionId}`], []))) === 1;
}

async function quietly(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof RedisUnavailable) return undefined;
    throw error;
  }
}

const REMEMBER = script(
  'session.remember_revoked',
  `-- KEYS: one per ended session
-- ARGV: life (s)
-- returns how many
for _, key in ipairs(KEYS) do redis.call('SET', key, 'revoked', 'EX', ARGV[1]) end
return #KEYS`,
);

const RECALL = script(
  'session.recall_revoked',
  `-- KEYS: one session
-- returns 1 when it is remembered as revoked
return redis.call('EXISTS', KEYS[1])`,
);
