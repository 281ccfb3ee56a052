import { RateLimiterMemory } from 'rate-limiter-flexible';
import { DomainError, storeUnavailable } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Quota, QuotaState } from '../platform/quota.ts';
import { RedisUnavailable, script } from '../platform/redis.ts';
import type { RedisStore } from '../platform/redis.ts';
import type { Policy, Take } from './policy.ts';

export type TakeResult =
  /** What is left of each, in the order of the takes. */
  | { readonly status: 'taken'; readonly states: readonly QuotaState[] }
  | { readonly status: 'refused'; readonly policy: Policy; readonly retryDelayMs: number };

interface LimiterDeps {
  readonly redis: RedisStore;
  readonly clock: Clock;
}

/** Named limits, counted in Redis; without Redis each policy says what happens. */
export class Limiter {
  readonly #deps: LimiterDeps;
  readonly #local = new Map<string, RateLimiterMemory>();

  constructor(deps: LimiterDeps) {
    this.#deps = deps;
  }

  /** Takes from all limits or from none, in one script. @throws STORE_UNAVAILABLE */
  async take(takes: readonly Take[]): Promise<TakeResult> {
    try {
      return await this.#takeFromRedis(takes);
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      if (takes.some(({ policy }) => policy.withoutRedis === 'closed'))
        throw storeUnavailable(error);
      return this.#takeLocally(takes);
    }
  }

  /** Gives back what members starting with `prefix` took. Without Redis there is nothing to give. */
  async giveBack(policy: Policy, key: string, prefix: string): Promise<void> {
    try {
      await this.#deps.redis.run(GIVE_BACK, [keyOf(policy, key)], [prefix]);
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
    }
  }

  async #takeFromRedis(takes: readonly Take[]): Promise<TakeResult> {
    const keys = takes.map(({ policy, key }) => keyOf(policy, key));
    const args = takes.flatMap(({ policy, member }) => [
      policy.limit,
      policy.windowSeconds * 1000,
      member,
    ]);
    const reply = await this.#deps.redis.run(TAKE, keys, [this.#deps.clock.nowMs(), ...args]);
    const [index = 0, waitMs = 1000, ...rest] = Array.isArray(reply) ? reply.map(Number) : [];
    const refused = takes[index - 1];
    if (refused) return { status: 'refused', policy: refused.policy, retryDelayMs: waitMs };
    const states = takes.map(({ policy }, at) => ({
      quota: policy,
      remaining: policy.limit - (rest[2 * at] ?? 0),
      resetMs: rest[2 * at + 1] ?? 0,
    }));
    return { status: 'taken', states };
  }

  /** Counts first and takes back when that was too much: parallel callers cannot pass in between. */
  async #takeLocally(takes: readonly Take[]): Promise<TakeResult> {
    const states: QuotaState[] = [];
    for (const [at, { policy, key }] of takes.entries()) {
      const { consumedPoints, msBeforeNext } = await this.#localOf(policy).penalty(key);
      if (consumedPoints > policy.limit) {
        for (const take of takes.slice(0, at + 1))
          await this.#localOf(take.policy).reward(take.key);
        return { status: 'refused', policy, retryDelayMs: msBeforeNext };
      }
      const remaining = policy.limit - consumedPoints;
      states.push({ quota: policy, remaining, resetMs: msBeforeNext });
    }
    return { status: 'taken', states };
  }

  #localOf(policy: Policy): RateLimiterMemory {
    const known = this.#local.get(policy.name);
    if (known) return known;
    const made = new RateLimiterMemory({ points: policy.limit, duration: policy.windowSeconds });
    this.#local.set(policy.name, made);
    return made;
  }
}

/**
 * RATE_LIMITED with the time after which trying again can succeed. A limit that is only named tells
 * nobody its size.
 */
export function rateLimited(limit: Quota | string, retryDelayMs: number): DomainError {
  const message = 'Too many attempts. Please wait a moment and try again.';
  const isNamed = typeof limit === 'string';
  return new DomainError('RATE_LIMITED', message, {
    retryDelayMs,
    metadata: { limit: isNamed ? limit : limit.name },
    ...(isNamed ? {} : { quota: limit }),
  });
}

function keyOf(policy: Policy, key: string): string {
  return `rate_limit:${policy.name}:${key}`;
}

const TAKE = script(
  'limits.take',
  `-- KEYS: one sorted set per limit, members scored by the time they were taken (ms)
-- ARGV: now (ms), then limit, window (ms), member for each key
-- returns {0, 0, then members and time until the oldest leaves (ms) for each key} when every limit
-- took its member, or {index, wait (ms)} of the first full one
local now = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  local limit, window, member = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), ARGV[3 * i + 1]
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  if redis.call('ZCARD', key) >= limit and not redis.call('ZSCORE', key, member) then
    local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    return {i, math.max(1, tonumber(oldest[2]) + window - now)}
  end
end
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now, ARGV[3 * i + 1])
  redis.call('PEXPIRE', key, ARGV[3 * i])
end
local taken = {0, 0}
for i, key in ipairs(KEYS) do
  local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  taken[#taken + 1] = redis.call('ZCARD', key)
  taken[#taken + 1] = math.max(1, tonumber(oldest[2]) + tonumber(ARGV[3 * i]) - now)
end
return taken`,
);

const GIVE_BACK = script(
  'limits.give_back',
  `-- KEYS: the sorted set of a limit
-- ARGV: prefix of the members to give back
-- returns how many were given back
local back = 0
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if string.sub(member, 1, #ARGV[1]) == ARGV[1] then
    back = back + redis.call('ZREM', KEYS[1], member)
  end
end
return back`,
);
