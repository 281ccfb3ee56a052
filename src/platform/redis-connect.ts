import { Redis } from 'ioredis';
import type { Logger } from './logger.ts';
import { RedisStore } from './redis.ts';
import type { Secret } from './secret.ts';

export interface RedisOptions {
  readonly redisHost: string;
  readonly redisPort: number;
  readonly redisUsername: string | undefined;
  readonly redisPassword: Secret<string> | undefined;
  readonly redisDb: number;
  readonly redisTimeoutMs: number;
}

const MAX_RECONNECT_DELAY_MS = 500;

/**
 * Connects and keeps reconnecting. Resolves when Redis is ready or after one command time-out,
 * whichever comes first: the service starts without Redis, degraded.
 */
export async function openRedis(options: RedisOptions, logger: Logger): Promise<RedisStore> {
  const client = new Redis({
    host: options.redisHost,
    port: options.redisPort,
    username: options.redisUsername,
    password: options.redisPassword?.reveal(),
    db: options.redisDb,
    connectTimeout: options.redisTimeoutMs,
    commandTimeout: options.redisTimeoutMs,
    // A call that cannot run now must fail now: its caller has a fallback or says so.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(times * 50, MAX_RECONNECT_DELAY_MS),
    lazyConnect: true,
  });
  logTransitions(client, logger);
  await client.connect().catch(() => undefined);
  return new RedisStore(client);
}

/** One line when Redis comes and one when it goes, however often reconnecting fails. */
function logTransitions(client: Redis, logger: Logger): void {
  let isUp: boolean | undefined;
  client.on('ready', () => {
    isUp = true;
    logger.info({ event: 'redis.up', component: 'redis' }, 'Redis is there');
  });
  client.on('error', (error) => {
    if (isUp === false) return;
    isUp = false;
    logger.error({ event: 'redis.down', component: 'redis', err: error }, 'Redis is away');
  });
  client.on('close', () => {
    if (isUp) logger.error({ event: 'redis.down', component: 'redis' }, 'Redis is away');
    isUp = false;
  });
}
