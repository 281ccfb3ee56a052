import type { DataSource } from 'typeorm';
import { loadDatabaseConfig } from '../config.ts';
import type { DatabaseConfig } from '../config.ts';
import { createDataSource, migratingOptions } from './data-source.ts';
import { driftOf } from './drift.ts';
import { writeMigration } from './migration-files.ts';
import { listMigrations, revertMigration, runMigrations } from './run-migrations.ts';
import type { MigrationOptions } from './run-migrations.ts';
import type { Log } from './query-log.ts';

const USAGE = 'usage: migrate run | revert | show | generate NAME | create NAME  (NAME: verb-noun)';

/** Brings the database up to date with the migrating role's own connection. */
export async function migrateDatabase(config: DatabaseConfig, log: Log): Promise<string[]> {
  return connected(config, log, runMigrations);
}

/** The command line: `run`, `revert`, `show`, `generate NAME`, `create NAME`. */
export async function migrate(words: readonly string[], log: Log): Promise<void> {
  const [command, name, ...rest] = words;
  const isNamed = command === 'generate' || command === 'create';
  if (command === undefined || rest.length > 0 || isNamed !== (name !== undefined)) {
    throw new Error(USAGE);
  }
  if (command === 'create') return create(name ?? '', log);
  const action = {
    run,
    revert,
    show,
    generate: (...given: Action) => generate(name ?? '', ...given),
  };
  const chosen = Object.entries(action).find(([known]) => known === command)?.[1];
  if (chosen === undefined) throw new Error(USAGE);
  await connected(loadDatabaseConfig(), log, chosen);
}

type Action = [dataSource: DataSource, options: MigrationOptions];

async function run(...[dataSource, options]: Action): Promise<void> {
  const applied = await runMigrations(dataSource, options);
  options.log.info(
    applied.length === 0 ? 'The schema is up to date' : 'The schema is now up to date',
  );
}

async function revert(...[dataSource, options]: Action): Promise<void> {
  const name = await revertMigration(dataSource, options);
  if (name === undefined) options.log.info('Nothing to revert');
}

async function show(...[dataSource, { log }]: Action): Promise<void> {
  for (const { name, isApplied } of await listMigrations(dataSource)) {
    log.info(`${isApplied ? '[x]' : '[ ]'} ${name}`);
  }
}

async function generate(name: string, ...[dataSource, { log }]: Action): Promise<void> {
  const pending = (await listMigrations(dataSource)).filter(({ isApplied }) => !isApplied);
  if (pending.length > 0) throw new Error('Run the pending migrations first');
  const steps = await driftOf(dataSource);
  if (steps.up.length === 0) {
    log.info('The entities and the database agree; nothing to generate');
    return;
  }
  log.info(`Wrote ${await writeMigration({ name, steps, nowMs: Date.now() })}`);
}

async function create(name: string, log: Log): Promise<void> {
  const steps = { up: [], down: [] };
  log.info(`Wrote ${await writeMigration({ name, steps, nowMs: Date.now() })}`);
}

async function connected<T>(
  config: DatabaseConfig,
  log: Log,
  work: (dataSource: DataSource, options: MigrationOptions) => Promise<T>,
): Promise<T> {
  const dataSource = createDataSource(migratingOptions(config, log));
  await dataSource.initialize();
  try {
    return await work(dataSource, { appRole: config.dbAppRole, log });
  } finally {
    await dataSource.destroy();
  }
}

if (import.meta.main) {
  const log = {
    info: (message: string) => void process.stdout.write(`${message}\n`),
    warn: (message: string) => void process.stderr.write(`${message}\n`),
  };
  await migrate(process.argv.slice(2), log).catch((error: unknown) => {
    log.warn(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
}
