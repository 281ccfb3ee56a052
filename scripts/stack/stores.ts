import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findPostgres, type PostgresHome } from '../stores/postgres-home.ts';
import {
  createCluster,
  startPostgresServer,
  superuser,
  withConnection,
} from '../stores/postgres.ts';
import { createDatabase, createRoles } from '../stores/roles.ts';
import { startValkeyServer } from '../stores/valkey.ts';
import { DATABASE } from './environment.ts';
import { checkout, folders } from './folders.ts';
import type { Ports } from './ports.ts';
import { record } from './records.ts';
import { hasSecrets, loadSecrets, type Secrets } from './secrets.ts';
import type { ProcessIdentity } from '../process/identity.ts';
import type { Running } from '../process/launch.ts';

/** Finds PostgreSQL and loads the secrets; data whose passwords are lost is set aside, not opened. */
export function prepareStores(): { home: PostgresHome; secrets: Secrets } {
  const home = findPostgres(checkout, folders.data);
  if (!hasSecrets() && existsSync(home.dataFolder)) {
    const aside = `${home.dataFolder}.unreadable`;
    rmSync(aside, { recursive: true, force: true });
    renameSync(home.dataFolder, aside);
    console.log(`The passwords of ${home.dataFolder} are gone: it is now ${aside}.`);
  }
  return { home, secrets: loadSecrets() };
}

/** Starts PostgreSQL with both roles and an empty or existing database. */
export async function startPostgres(
  home: PostgresHome,
  ports: Ports,
  secrets: Secrets,
): Promise<Running> {
  const server = {
    home,
    port: ports.postgres,
    password: secrets.superuserPassword,
    logFile: join(folders.log, 'postgres.log'),
    onStart: (identity: ProcessIdentity) => record('postgres', identity),
  };
  createCluster(server);
  const running = await startPostgresServer(server);
  await withConnection(superuser(server), async (client) => {
    await createRoles(client, { owner: secrets.ownerPassword, app: secrets.appPassword });
    await createDatabase(client, DATABASE);
  });
  return running;
}

/** Starts Valkey. */
export function startValkey(program: string, ports: Ports, secrets: Secrets): Promise<Running> {
  return startValkeyServer({
    program,
    port: ports.valkey,
    password: secrets.redisPassword,
    configFile: join(folders.run, 'valkey.conf'),
    logFile: join(folders.log, 'valkey.log'),
    onStart: (identity) => record('valkey', identity),
  });
}
