import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { step } from '../../scripts/bootstrap/progress.mjs';
import { end, patiently, POSTGRES_SHUTDOWN } from '../../scripts/process/end.ts';
import { freePort } from '../../scripts/process/port.ts';
import { checkout, folders } from '../../scripts/stack/folders.ts';
import { findPostgres } from '../../scripts/stores/postgres-home.ts';
import {
  createCluster,
  startPostgresServer,
  superuser,
  withConnection,
} from '../../scripts/stores/postgres.ts';
import { APP_ROLE, createDatabase, createRoles, OWNER_ROLE } from '../../scripts/stores/roles.ts';
import { startValkeyServer } from '../../scripts/stores/valkey.ts';
import { valkeyProgram } from '../../scripts/tools/programs.ts';
import { loadDatabaseConfig } from '../../src/config.ts';
import { migrateDatabase } from '../../src/db/migrate.ts';

/** The bench's own PostgreSQL, with fsync as in production, and Valkey; migrated and empty. */
export interface Stores {
  /** How the service finds them. */
  readonly settings: Readonly<Record<string, string>>;
  readonly postgresPid: number;
  stop(): Promise<void>;
}

const DATABASE = 'auth';

export async function startStores(folder: string): Promise<Stores> {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const password = randomBytes(16).toString('hex');
  const postgres = await step('Starting PostgreSQL', () => startPostgres(folder, password));
  const valkey = await step('Starting Valkey', () => startValkey(folder, password));
  const settings = { ...databaseSettings(postgres.port, password), ...valkey.settings };
  const log = { info: () => undefined, warn: () => undefined };
  await step('Migrating', () => migrateDatabase(loadDatabaseConfig(settings), log));
  return {
    settings,
    postgresPid: postgres.identity.pid,
    stop: async () => {
      await end(valkey.identity, patiently(5_000));
      await end(postgres.identity, POSTGRES_SHUTDOWN);
    },
  };
}

async function startPostgres(folder: string, password: string) {
  const server = {
    home: findPostgres(checkout, folder),
    port: await freePort(),
    password,
    logFile: join(folder, 'postgres.log'),
  };
  createCluster(server);
  const { identity } = await startPostgresServer(server);
  await withConnection(superuser(server), async (client) => {
    await createRoles(client, { owner: password, app: password });
    await createDatabase(client, DATABASE);
  });
  return { identity, port: server.port };
}

async function startValkey(folder: string, password: string) {
  const port = await freePort();
  const { identity } = await startValkeyServer({
    program: await valkeyProgram(folders.tools),
    port,
    password,
    configFile: join(folder, 'valkey.conf'),
    logFile: join(folder, 'valkey.log'),
  });
  const settings = { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(port), REDIS_PASSWORD: password };
  return { identity, settings };
}

function databaseSettings(port: number, password: string) {
  return {
    NODE_ENV: 'test',
    DB_HOST: '127.0.0.1',
    DB_PORT: String(port),
    DB_NAME: DATABASE,
    DB_USERNAME: APP_ROLE,
    DB_PASSWORD: password,
    DB_MIGRATION_USERNAME: OWNER_ROLE,
    DB_MIGRATION_PASSWORD: password,
  };
}
