import { RedisUnavailable, script } from '../platform/redis.ts';
import type { RedisStore } from '../platform/redis.ts';

/**
 * `session:{id}` in Redis only ever says "revoked" and lasts as long as the session's last access
 * token. It decides nothing but what is answered while PostgreSQL is away; there is no way to
 * clear it, so a late write cannot revive anything.
 */
export async function rememberRevoked(
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
