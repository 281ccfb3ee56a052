import { flag, integer, secret, text } from './read.ts';
import { setting, optional, hidden } from './setting.ts';

/** Redis. */
export const redisSettings = {
  redisHost: setting('REDIS_HOST', text, 'localhost', 'Redis host'),
  redisPort: setting('REDIS_PORT', integer(1, 65_535), 6379, 'Redis port'),
  redisUsername: optional('REDIS_USERNAME', text, 'Redis ACL user'),
  redisPassword: hidden(optional('REDIS_PASSWORD', secret, 'Redis password')),
  redisDb: setting('REDIS_DB', integer(0, 100_000), 0, 'Redis database'),
  redisTimeoutMs: setting('REDIS_TIMEOUT_MS', integer(50, 10_000), 500, 'longest Redis command'),
  readinessRequiresRedis: setting(
    'READINESS_REQUIRES_REDIS',
    flag,
    false,
    'not ready, instead of degraded, without Redis',
  ),
};
