import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { end, POSTGRES_SHUTDOWN } from '../../scripts/process/end.ts';
import { freePort } from '../../scripts/process/port.ts';
import { findPostgres } from '../../scripts/stores/postgres-home.ts';
import {
  createCluster,
  startPostgresServer,
  superuser,
  withConnection,
} from '../../scripts/stores/postgres.ts';
import { APP_ROLE, createDatabase, createRoles, OWNER_ROLE } from '../../scripts/stores/roles.ts';
import { createDataSource } from '../../src/db/data-source.ts';
import { Secret } from '../../src/platform/secret.ts';

/** An empty database of its own, with the owner's and the serving role's doors to it. */
export interface TrialDatabase {
  /** A fresh, initialized data source of the migrating role. */
  source(): Promise<DataSource>;
  /** Runs statements on one connection of a role. */
  as<T>(role: 'auth_owner' | 'auth_app', work: (client: Client) => Promise<T>): Promise<T>;
}

/** A PostgreSQL server that lives as long as one test file. */
export interface TrialServer {
  database(): Promise<TrialDatabase>;
  close(): Promise<void>;
}

export const quiet = { info: () => undefined, warn: () => undefined };
export const options = { appRole: APP_ROLE, log: quiet };

const PASSWORD = 'trial';

/** Starts a server on a free port with both roles. */
export async function startTrialServer(): Promise<TrialServer> {
  const folder = mkdtempSync(join(tmpdir(), 'auth-migration-'));
  chmodSync(folder, 0o711);
  const server = {
    home: findPostgres(join(import.meta.dirname, '../..'), folder),
    port: await freePort(),
    password: PASSWORD,
    logFile: join(folder, 'postgres.log'),
    settings: { fsync: 'off' },
  };
  createCluster(server);
  const running = await startPostgresServer(server);
  await withConnection(superuser(server), (client) =>
    createRoles(client, { owner: PASSWORD, app: PASSWORD }),
  );
  const sources: DataSource[] = [];
  let count = 0;
  return {
    async database() {
      count += 1;
      const name = `trial_${count}`;
      await withConnection(superuser(server), (client) => createDatabase(client, name));
      return trialDatabase(server.port, name, sources);
    },
    async close() {
      for (const source of sources) await source.destroy();
      await end(running.identity, POSTGRES_SHUTDOWN);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function trialDatabase(port: number, name: string, opened: DataSource[]): TrialDatabase {
  return {
    async source() {
      const source = createDataSource(ownerOptions(port, name));
      opened.push(source);
      return source.initialize();
    },
    as: (role, work) =>
      withConnection(
        { host: '127.0.0.1', port, database: name, user: role, password: PASSWORD },
        work,
      ),
  };
}

function ownerOptions(port: number, name: string) {
  return {
    host: '127.0.0.1',
    port,
    username: OWNER_ROLE,
    password: new Secret(PASSWORD),
    name,
    poolSize: 1,
    connectTimeoutMs: 5_000,
    statementTimeoutMs: 4_000,
    idleInTransactionTimeoutMs: 5_000,
    applicationName: 'migration-test',
    logging: false,
    synchronize: false,
    log: quiet,
  };
}
