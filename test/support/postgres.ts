import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientConfig } from 'pg';
import { end, patiently, POSTGRES_SHUTDOWN, sendSignal } from '../../scripts/process/end.ts';
import { freePort } from '../../scripts/process/port.ts';
import { findPostgres } from '../../scripts/stores/postgres-home.ts';
import {
  createCluster,
  startPostgresServer,
  superuser,
  withConnection,
} from '../../scripts/stores/postgres.ts';
import { APP_ROLE, createDatabase, createRoles, OWNER_ROLE } from '../../scripts/stores/roles.ts';
import { migrateDatabase } from '../../src/db/migrate.ts';
import { loadDatabaseConfig } from '../../src/config.ts';

/** Settings as the service reads them, for one database or one Redis. */
export type Settings = Readonly<Record<string, string>>;

/** A real PostgreSQL of the tests' own, with both roles and a migrated template. */
export interface TestPostgres {
  readonly port: number;
  /** Ends it as an operator would; connections are cut. */
  stop(): Promise<void>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Holds it still: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Starts it again on the same data and port. */
  start(): Promise<void>;
  /** Stops it for good and removes its data. */
  remove(): Promise<void>;
}

const PASSWORD = 'trial';
const TEMPLATE = 'auth_template';
const CHECKOUT = join(import.meta.dirname, '../..');
/** Tests lose nothing in a crash of the machine. */
const SETTINGS = { fsync: 'off', max_connections: 400, shared_buffers: '128MB' };

export async function startPostgres(): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'auth-test-'));
  chmodSync(folder, 0o711);
  const server = {
    home: findPostgres(CHECKOUT, folder),
    port: await freePort(),
    password: PASSWORD,
    logFile: join(folder, 'postgres.log'),
    settings: SETTINGS,
  };
  createCluster(server);
  let running = await startPostgresServer(server);
  await withConnection(superuser(server), async (client) => {
    await createRoles(client, { owner: PASSWORD, app: PASSWORD });
    await createDatabase(client, TEMPLATE);
  });
  const log = { info: () => undefined, warn: () => undefined };
  await migrateDatabase(loadDatabaseConfig(databaseSettings(server.port, TEMPLATE)), log);
  return {
    port: server.port,
    stop: async () => {
      await end(running.identity, POSTGRES_SHUTDOWN);
    },
    kill: async () => {
      await end(running.identity, [{ signal: 'SIGQUIT', waitMs: 5_000 }]);
    },
    pause: () => {
      sendSignal(running.identity, 'SIGSTOP');
    },
    resume: () => {
      sendSignal(running.identity, 'SIGCONT');
    },
    start: async () => {
      running = await startPostgresServer(server);
    },
    remove: async () => {
      await end(running.identity, [...POSTGRES_SHUTDOWN, ...patiently(1_000)]);
      rmSync(server.home.dataFolder, { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A copy of the migrated template. */
export async function cloneDatabase(port: number, name: string): Promise<Settings> {
  await withConnection(connectionAs('superuser', port, 'postgres'), async (client) => {
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE} OWNER ${OWNER_ROLE}`);
  });
  return databaseSettings(port, name);
}

/** How a test looks into a database behind the service's back. */
export function connectionAs(
  role: 'superuser' | 'auth_app',
  port: number,
  database: string,
): ClientConfig {
  const user = role === 'superuser' ? 'postgres' : APP_ROLE;
  return { host: '127.0.0.1', port, user, password: PASSWORD, database };
}

function databaseSettings(port: number, name: string): Settings {
  return {
    NODE_ENV: 'test',
    DB_HOST: '127.0.0.1',
    DB_PORT: String(port),
    DB_NAME: name,
    DB_USERNAME: APP_ROLE,
    DB_PASSWORD: PASSWORD,
    DB_MIGRATION_USERNAME: OWNER_ROLE,
    DB_MIGRATION_PASSWORD: PASSWORD,
  };
}
