import { Gauge } from 'prom-client';
import type { Registry } from './platform/metrics.ts';
import type { Database } from './platform/postgres.ts';
import type { RedisStore } from './platform/redis.ts';
import type { RevocationFeed } from './session/revocation-feed.ts';

interface GaugeDeps {
  readonly metrics: Registry;
  readonly db: Database;
  readonly redis: RedisStore;
  readonly feed: RevocationFeed;
}

/** What the process knows of its stores, read when it is scraped. */
export function registerGauges({ metrics, db, redis, feed }: GaugeDeps): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [metrics],
      collect() {
        this.set(read());
      },
    });
  gauge('auth_redis_up', 'Whether Redis is connected (0 or 1).', () => (redis.isUp() ? 1 : 0));
  gauge('auth_postgres_connections', 'Open connections.', () => db.load().total);
  gauge('auth_postgres_connections_idle', 'Idle connections.', () => db.load().idle);
  gauge('auth_postgres_waiting', 'Callers that wait for a connection.', () => db.load().waiting);
  gauge(
    'auth_revocation_feed_age_seconds',
    'Age of the last good poll.',
    () => feed.ageMs() / 1000,
  );
}
