import { randomBytes } from 'node:crypto';
import { cloneDatabase } from './postgres.ts';
import type { Settings } from './postgres.ts';
import { DATABASES, redisSettings } from './valkey.ts';

let used = 0;

/** A fresh migrated database on the run's PostgreSQL and an unused Redis database. */
export async function freshStores(): Promise<Settings> {
  const database = await cloneDatabase(sharedPort('TEST_POSTGRES_PORT'), uniqueName());
  return { ...database, ...redisSettings(sharedPort('TEST_VALKEY_PORT'), nextRedisDatabase()) };
}

export function uniqueName(): string {
  return `test_${randomBytes(6).toString('hex')}`;
}

/** Each jest worker counts in a range of its own. */
function nextRedisDatabase(): number {
  const workers = 8;
  const worker = Number(process.env['JEST_WORKER_ID'] ?? 1) % workers;
  const perWorker = DATABASES / workers;
  used += 1;
  const file = randomBytes(2).readUInt16BE() + used;
  return worker * perWorker + (file % perWorker);
}

function sharedPort(name: string): number {
  const port = process.env[name];
  if (port === undefined) throw new Error('Run the tests by npm test: it starts their stores');
  return Number(port);
}
