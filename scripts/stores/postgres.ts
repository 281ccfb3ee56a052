import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';
import { end, POSTGRES_SHUTDOWN } from '../process/end.ts';
import { commandLineOf, identify, type ProcessIdentity } from '../process/identity.ts';
import { launch, type Running, waitUntil } from '../process/launch.ts';
import type { PostgresHome } from './postgres-home.ts';

/** A PostgreSQL server of ours on the loopback. */
export type PostgresServer = {
  readonly home: PostgresHome;
  readonly port: number;
  readonly password: string;
  readonly logFile: string;
  readonly onStart?: (identity: ProcessIdentity) => void;
  readonly settings?: Readonly<Record<string, string | number>>;
};

/** The role that initdb makes; nothing but these scripts uses it. */
export const SUPERUSER = 'postgres';

const READY_TIMEOUT_MS = 60_000;
// Backends of a killed server finish their statement before they notice; until then its memory is in use.
const STILL_ATTACHED = 'pre-existing shared memory block';
const ATTACHED_ATTEMPTS = 20;
const ATTACHED_WAIT_MS = 500;
// class 57P03: the server is starting up or shutting down.
const NOT_YET = new Set(['ECONNREFUSED', 'ECONNRESET', '57P03']);

/** Makes an empty cluster unless there is one. An interrupted attempt leaves nothing that looks finished. */
export function createCluster({ home, password }: PostgresServer, options: string[] = []): void {
  if (existsSync(home.dataFolder)) {
    return;
  }
  const work = `${home.dataFolder}.new`;
  const passwordFile = `${home.dataFolder}.password`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (home.account !== undefined) {
    chownSync(work, home.account.uid, home.account.gid);
    chownSync(passwordFile, home.account.uid, home.account.gid);
  }
  const access = ['-U', SUPERUSER, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
  const text = ['--locale=C', '--encoding=UTF8', '--no-instructions'];
  const result = spawnSync(
    join(home.programs, 'initdb'),
    ['-D', work, ...access, ...text, ...options],
    { ...home.account, cwd: '/', env: environment(), encoding: 'utf8' },
  );
  rmSync(passwordFile);
  if (result.status !== 0) {
    throw new Error(`initdb failed: ${result.error?.message ?? result.stderr}`);
  }
  renameSync(work, home.dataFolder);
}

/** Starts the server on its cluster and returns when it answers. */
export async function startPostgresServer(server: PostgresServer): Promise<Running> {
  await endPredecessor(server.home.dataFolder);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tryToStart(server);
    } catch (error) {
      const isHeld = error instanceof Error && error.message.includes(STILL_ATTACHED);
      if (!isHeld || attempt === ATTACHED_ATTEMPTS) {
        throw error;
      }
      await sleep(ATTACHED_WAIT_MS);
    }
  }
}

/** How to connect as the cluster's superuser. */
export function superuser(server: PostgresServer, database = 'postgres'): ClientConfig {
  const { port, password } = server;
  return { host: '127.0.0.1', port, user: SUPERUSER, password, database };
}

/** Runs some work on one connection and closes it. */
export async function withConnection<T>(
  config: ClientConfig,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client(config);
  // The server may end the connection while nobody waits for a query (a test that kills it).
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function tryToStart(server: PostgresServer): Promise<Running> {
  const { home, port, settings } = server;
  const wanted = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings };
  const running = await launch({
    name: 'PostgreSQL',
    command: join(home.programs, 'postgres'),
    args: [
      ...['-D', home.dataFolder, '-p', String(port)],
      ...Object.entries(wanted).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    env: environment(),
    logFile: server.logFile,
    onStart: server.onStart,
    account: home.account,
  });
  await waitUntil(running, () => answers(superuser(server)), READY_TIMEOUT_MS);
  return running;
}

/**
 * Ends the server that still runs on this data folder (its start was killed before it was recorded), and
 * removes the lock file of one that was killed: PostgreSQL would take a reused pid for a living server.
 */
async function endPredecessor(dataFolder: string): Promise<void> {
  const lockFile = join(dataFolder, 'postmaster.pid');
  if (!existsSync(lockFile)) {
    return;
  }
  const pid = Number(readFileSync(lockFile, 'utf8').split('\n', 1)[0]);
  const identity = identify(pid);
  const runsHere = commandLineOf(pid)?.includes(`-D ${dataFolder} `) === true;
  if (identity !== undefined && runsHere) {
    await end(identity, POSTGRES_SHUTDOWN);
  }
  rmSync(lockFile, { force: true });
}

async function answers(config: ClientConfig): Promise<boolean> {
  try {
    await withConnection(config, (client) => client.query('SELECT 1'));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && NOT_YET.has(String(error.code))) {
      return false;
    }
    throw error;
  }
}

/** Nothing of the caller's PGHOST, PGDATA or LANG reaches the server. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
}
