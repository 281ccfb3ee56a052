import { setTimeout as sleep } from 'node:timers/promises';
import { MigrationExecutor } from 'typeorm';
import type { DataSource, QueryRunner } from 'typeorm';
import { ask } from './ask.ts';
import { grantServingRights } from './grants.ts';
import { loadMigrations } from './migration-files.ts';
import type { Log } from './query-log.ts';

/** What a run of migrations needs besides the data source. */
export interface MigrationOptions {
  /** The role that serves and gets its rights after the run. */
  readonly appRole: string;
  readonly log: Log;
  readonly folder?: string;
}

/** One migration of the source tree, and whether the database has it. */
export interface MigrationState {
  readonly name: string;
  readonly isApplied: boolean;
}

const LOCK_POLL_MS = 200;
const LOCK_WAIT_MS = 10 * 60_000;
/** A migration that cannot get its table lock gives up before callers queue behind it for long. */
const TABLE_LOCK_TIMEOUT = '5s';

/**
 * Applies what is pending, each migration in its own transaction, then renews the serving role's
 * rights. Replicas that start together take turns; the later ones find nothing to do.
 * Returns the names of the migrations applied.
 */
export function runMigrations(
  dataSource: DataSource,
  options: MigrationOptions,
): Promise<string[]> {
  return alone(dataSource, options, async (runner) => {
    const executor = new MigrationExecutor(dataSource, runner);
    executor.transaction = 'each';
    const applied = await executor.executePendingMigrations();
    const names = applied.map(({ name }) => name);
    for (const name of names) options.log.info(`Applied ${name}`);
    await grantServingRights(runner, options);
    return names;
  });
}

/** Takes back the newest applied migration; returns its name, or undefined if there is none. */
export function revertMigration(
  dataSource: DataSource,
  options: MigrationOptions,
): Promise<string | undefined> {
  return alone(dataSource, options, async (runner) => {
    const executor = new MigrationExecutor(dataSource, runner);
    const [newest] = await executor.getExecutedMigrations();
    if (newest === undefined) return undefined;
    const migration = dataSource.migrations.find(
      ({ constructor }) => constructor.name === newest.name,
    );
    executor.transaction = migration?.transaction === false ? 'none' : 'each';
    await executor.undoLastMigration();
    options.log.info(`Reverted ${newest.name}`);
    return newest.name;
  });
}

/** Every migration of the source tree, oldest first. Changes nothing. */
export async function listMigrations(
  dataSource: DataSource,
  folder?: string,
): Promise<MigrationState[]> {
  await useMigrations(dataSource, folder);
  const executor = new MigrationExecutor(dataSource);
  const pending = new Set((await executor.getPendingMigrations()).map(({ name }) => name));
  return dataSource.migrations.map(({ constructor: { name } }) => ({
    name,
    isApplied: !pending.has(name),
  }));
}

/**
 * Runs `work` on one connection that holds a session lock, so no two runs overlap. The lock is
 * polled for: a blocked `pg_advisory_lock` keeps a snapshot open, and CREATE INDEX CONCURRENTLY of
 * the run that holds the lock would wait for that snapshot for ever.
 */
async function alone<T>(
  dataSource: DataSource,
  options: MigrationOptions,
  work: (runner: QueryRunner) => Promise<T>,
): Promise<T> {
  await useMigrations(dataSource, options.folder);
  const runner = dataSource.createQueryRunner();
  try {
    await takeLock(runner, options.log);
    await runner.query(`SET lock_timeout = '${TABLE_LOCK_TIMEOUT}'`);
    await runner.query('SET statement_timeout = 0');
    return await work(runner);
  } finally {
    await giveBack(runner);
  }
}

async function takeLock(runner: QueryRunner, log: Log): Promise<void> {
  for (let waitedMs = 0; waitedMs <= LOCK_WAIT_MS; waitedMs += LOCK_POLL_MS) {
    const [row] = await ask(
      runner,
      `SELECT pg_try_advisory_lock(hashtextextended('auth-service migrations', 0)) AS taken`,
    );
    if (row?.['taken'] === true) return;
    if (waitedMs === 0) log.info('Another migration run is under way; waiting for its end');
    await sleep(LOCK_POLL_MS);
  }
  throw new Error(`Another migration run still holds the lock after ${LOCK_WAIT_MS / 60_000} min`);
}

/** Leaves the pooled connection as it was; a connection that broke has lost lock and settings anyway. */
async function giveBack(runner: QueryRunner): Promise<void> {
  try {
    await runner.query('SELECT pg_advisory_unlock_all()');
    await runner.query('RESET lock_timeout');
    await runner.query('RESET statement_timeout');
  } catch {
    await runner.release();
    return;
  }
  await runner.release();
}

/**
 * Hands our own list to TypeORM: its discovery by pattern has no order, imports through CommonJS
 * and would load the migrations at every start of the service.
 */
async function useMigrations(dataSource: DataSource, folder?: string): Promise<void> {
  const loaded = await loadMigrations(folder);
  dataSource.migrations.splice(0, dataSource.migrations.length, ...loaded);
}
