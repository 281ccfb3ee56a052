import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { Redis } from 'ioredis';
import pg from 'pg';
import { createApp } from '../../src/app.ts';
import type { App } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import type { Overrides } from '../../src/context.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createClients } from './client.ts';
import type { Clients } from './client.ts';
import { openInbox } from './inbox.ts';
import type { TestInbox } from './inbox.ts';
import { connectionAs } from './postgres.ts';
import type { Settings } from './postgres.ts';
import { freshStores } from './stores.ts';

/** The real service in this process, on real stores and free ports, with an inbox for its messages. */
export interface TestApp {
  readonly ports: App['ports'];
  readonly inbox: TestInbox;
  readonly settings: Settings;
  readonly clients: Clients;
  /** Every log line so far. */
  readonly logs: readonly string[];
  /** Clients that come from another address. */
  clientsAt(address: string): Clients;
  /** Looks into the database, or bends it, as its superuser. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  readonly redis: Redis;
  /** A second replica on the same stores. */
  replica(settings?: Settings): Promise<TestApp>;
  stop(): Promise<void>;
}

export const SERVICE_TEST_TOKEN = 'a-token-that-only-tests-know';

/** `settings` are environment variables; stores are fresh unless they are named there. */
export async function startApp(
  settings: Settings = {},
  overrides: Overrides = {},
): Promise<TestApp> {
  const inbox = await openInbox();
  const stores = settings['DB_NAME'] === undefined ? await freshStores() : {};
  const environment = { ...fixed(inbox.url), ...stores, ...settings };
  const app = await assemble(environment, overrides, inbox);
  return { ...app, stop: () => stopAll([() => app.stop(), () => inbox.close()]) };
}

async function assemble(
  environment: Settings,
  overrides: Overrides,
  inbox: TestInbox,
): Promise<TestApp> {
  const logs: string[] = [];
  const logger = createLogger('info', intoArray(logs));
  const app = await createApp(loadConfig(environment), { logger, ...overrides });
  const database = connectionAs(
    'superuser',
    Number(environment['DB_PORT']),
    environment['DB_NAME'] ?? '',
  );
  const pool = new pg.Pool({ ...database, max: 4 });
  pool.on('error', () => undefined);
  const redis = openRedis(environment);
  return {
    ports: app.ports,
    inbox,
    settings: environment,
    clients: createClients(app.ports.grpc),
    logs,
    redis,
    clientsAt: (address) => createClients(app.ports.grpc, address),
    sql: async <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
      (await pool.query<Row>(text, values)).rows,
    replica: (more = {}) => assemble({ ...environment, ...more }, overrides, inbox),
    stop: () => stopAll([() => app.stop(), () => pool.end(), () => redis.disconnect()]),
  };
}

function fixed(inboxUrl: string): Settings {
  const key = () => `test:${randomBytes(32).toString('base64')}`;
  return {
    NODE_ENV: 'test',
    GRPC_HOST: '127.0.0.1',
    GRPC_PORT: '0',
    METRICS_ENABLED: 'true',
    METRICS_PORT: '0',
    DRAIN_DELAY_MS: '0',
    DRAIN_TIMEOUT_MS: '5000',
    JWT_ISSUER: 'https://auth.test',
    JWT_AUDIENCE: 'whispr',
    KEY_ENCRYPTION_KEYS: key(),
    CODE_PEPPERS: key(),
    SMS_PROVIDERS: 'inbox',
    SMS_INBOX_URL: inboxUrl,
    SERVICE_TEST_TOKEN,
    UNARY_DEADLINE_MS: '20000',
  };
}

function openRedis(environment: Settings): Redis {
  const redis = new Redis({
    host: environment['REDIS_HOST'] ?? '',
    port: Number(environment['REDIS_PORT']),
    password: environment['REDIS_PASSWORD'] ?? '',
    db: Number(environment['REDIS_DB']),
  });
  redis.on('error', () => undefined);
  return redis;
}

function intoArray(lines: string[]): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
}

async function stopAll(steps: readonly (() => unknown)[]): Promise<void> {
  for (const step of steps) await step();
}
