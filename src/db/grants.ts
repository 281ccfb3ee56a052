import pg from 'pg';
import type { QueryRunner } from 'typeorm';
import { ask } from './ask.ts';
import type { Log } from './query-log.ts';

/** Tables whose rows the service may add and read, but never change. */
const APPEND_ONLY = ['audit_events'];
const READ_ONLY = ['migrations'];

/**
 * Gives the serving role exactly its rights, whatever it had before, in one transaction. Partitions
 * get none: they are reached through their parent. Skipped when the role does not exist or is the
 * migrating one.
 */
export async function grantServingRights(
  runner: QueryRunner,
  options: { appRole: string; log: Log },
): Promise<void> {
  const { appRole, log } = options;
  const refusal = await reasonToSkip(runner, appRole);
  if (refusal !== undefined) {
    log.info(`No rights granted to ${appRole}: ${refusal}`);
    return;
  }
  const tables = await tableNames(runner);
  await runner.startTransaction();
  try {
    for (const statement of grants(pg.escapeIdentifier(appRole), tables)) {
      await runner.query(statement);
    }
    await runner.commitTransaction();
  } catch (error) {
    await runner.rollbackTransaction();
    throw error;
  }
  log.info(`Rights of ${appRole} renewed on ${tables.length} tables`);
}

async function reasonToSkip(runner: QueryRunner, appRole: string): Promise<string | undefined> {
  const rows = await ask(
    runner,
    `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS exists, current_user = $1 AS same`,
    [appRole],
  );
  if (rows[0]?.['exists'] !== true) return 'the role does not exist';
  return rows[0]['same'] === true ? 'it is the migrating role' : undefined;
}

async function tableNames(runner: QueryRunner): Promise<string[]> {
  const rows = await ask(
    runner,
    `SELECT relname FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        AND pg_has_role(current_user, relowner, 'USAGE')
      ORDER BY relname`,
  );
  return rows.map(({ relname }) => String(relname));
}

function grants(role: string, tables: readonly string[]): string[] {
  return [
    `REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${role}`,
    `REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM ${role}`,
    'REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC',
    `GRANT USAGE ON SCHEMA public TO ${role}`,
    ...tables.map(
      (table) => `GRANT ${rightsOn(table)} ON ${pg.escapeIdentifier(table)} TO ${role}`,
    ),
    `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ${role}`,
    `GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO ${role}`,
  ];
}

function rightsOn(table: string): string {
  if (READ_ONLY.includes(table)) return 'SELECT';
  if (APPEND_ONLY.includes(table)) return 'SELECT, INSERT';
  return 'SELECT, INSERT, UPDATE, DELETE';
}
