import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Client } from 'pg';
import { driftOf } from '../../src/db/drift.ts';
import { loadMigrations, writeMigration } from '../../src/db/migration-files.ts';
import { listMigrations, revertMigration, runMigrations } from '../../src/db/run-migrations.ts';
import { options, startTrialServer } from './trial-server.ts';
import type { TrialServer } from './trial-server.ts';

describe('migrations', () => {
  let server: TrialServer;
  let folder: string;

  beforeAll(async () => {
    server = await startTrialServer();
    folder = mkdtempSync(join(tmpdir(), 'auth-generated-'));
  }, 60_000);

  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('build the schema from nothing, take all of it back, and build it again', async () => {
    const database = await server.database();
    const source = await database.source();
    const all = (await loadMigrations()).map(({ constructor }) => constructor.name);

    expect(await runMigrations(source, options)).toEqual(all);
    for (const name of all.toReversed()) {
      expect(await revertMigration(source, options)).toBe(name);
    }
    expect(await revertMigration(source, options)).toBeUndefined();
    expect(await database.as('auth_owner', objects)).toEqual([
      'migrations',
      'migrations_id_seq',
      'migrations_pkey',
    ]);
    expect(await runMigrations(source, options)).toEqual(all);
    expect(await listMigrations(source)).toEqual(all.map((name) => ({ name, isApplied: true })));
  });

  test('leave nothing for TypeORM to change', async () => {
    const source = await (await server.database()).source();
    await runMigrations(source, options);

    expect(await driftOf(source)).toEqual({ up: [], down: [] });
  });

  test('run once when two replicas start together', async () => {
    const database = await server.database();
    const sources = [await database.source(), await database.source()];

    const runs = await Promise.all(sources.map((source) => runMigrations(source, options)));

    const all = (await loadMigrations()).length;
    expect(runs.map(({ length }) => length).sort((a, b) => a - b)).toEqual([0, all]);
  });

  test('leave the connection without lock and with its own time-outs', async () => {
    const source = await (await server.database()).source();
    await runMigrations(source, options);

    expect(await source.query('SHOW statement_timeout')).toEqual([{ statement_timeout: '4s' }]);
    expect(await source.query('SHOW lock_timeout')).toEqual([{ lock_timeout: '0' }]);
    expect(
      await source.query(`SELECT count(*)::integer FROM pg_locks WHERE locktype = 'advisory'`),
    ).toEqual([{ count: 0 }]);
  });

  test('build an index concurrently while another replica waits for its turn', async () => {
    const database = await server.database();
    const sources = [await database.source(), await database.source()];
    const own = { ...options, folder: mkdtempSync(join(folder, 'concurrent-')) };
    writeFileSync(join(own.folder, '20300101T0000-add-trial.ts'), CONCURRENT);

    const runs = await Promise.all(sources.map((source) => runMigrations(source, own)));

    expect(runs.flat()).toEqual(['AddTrial1893456000000']);
    expect(await database.as('auth_owner', objects)).toContain('trial_id');
    expect(await revertMigration(sources[0] ?? (await database.source()), own)).toBeDefined();
    expect(await database.as('auth_owner', objects)).not.toContain('trial_id');
  });

  test('can be generated from the entities, and what is generated loads and runs', async () => {
    const database = await server.database();
    const source = await database.source();
    await runMigrations(source, options);
    await database.as('auth_owner', (client) => client.query('ALTER TABLE devices DROP model'));
    const steps = await driftOf(source);

    const nowMs = Date.UTC(2030, 0, 1);
    const path = await writeMigration({ name: 'add-model', steps, nowMs }, folder);

    expect(path).toBe(join(folder, '20300101T0000-add-model.ts'));
    expect(await runMigrations(source, { ...options, folder })).toEqual(['AddModel1893456000000']);
    expect(await driftOf(source)).toEqual({ up: [], down: [] });
  });
});

async function objects(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(`
    SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION SELECT typname FROM pg_type
           WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd', 'r')
    ORDER BY name`);
  return rows.map(({ name }) => name);
}

const CONCURRENT = `
  export class AddTrial1893456000000 {
    transaction = false;
    async up(runner) {
      await runner.query('CREATE TABLE trial (id integer)');
      await runner.query('CREATE INDEX CONCURRENTLY trial_id ON trial (id)');
    }
    async down(runner) {
      await runner.query('DROP INDEX CONCURRENTLY trial_id');
      await runner.query('DROP TABLE trial');
    }
  }`;
