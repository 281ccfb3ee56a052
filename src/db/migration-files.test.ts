import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { classNameOf, loadMigrations, writeMigration } from './migration-files.ts';

describe('migration files', () => {
  let folder: string;
  const nothing = { up: [], down: [] };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'auth-migration-files-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('announce the class by name and time', () => {
    expect(classNameOf('20261123T1900-create-accounts.ts')).toBe('CreateAccounts1795460400000');
    expect(classNameOf('20261123T1900-create-accounts.js')).toBe('CreateAccounts1795460400000');
  });

  test.each([
    '20261123-create-accounts.ts',
    '20261123T1900-create.ts',
    '20261123T1900-Create-accounts.ts',
    '20261123T1900_create_accounts.ts',
    '20261323T1900-create-accounts.ts',
  ])('refuse the name %s', (file) => {
    expect(() => classNameOf(file)).toThrow(file);
  });

  test('of this service keep the naming rule and stand in the order of their times', async () => {
    const names = (await loadMigrations()).map(({ constructor }) => constructor.name);

    expect(names.length).toBeGreaterThan(0);
    expect(names.map((name) => name.slice(-13))).toEqual(
      names.map((name) => name.slice(-13)).sort(),
    );
  });

  test('are refused when the class is not the one that the name announces', async () => {
    const file = '20300101T0000-add-trial.ts';
    writeFileSync(join(folder, file), 'export class Other1893456000000 { up() {} down() {} }');

    await expect(loadMigrations(folder)).rejects.toThrow('AddTrial1893456000000');
  });

  test('are written after the newest one, even within the same minute', async () => {
    const nowMs = Date.UTC(2030, 0, 1, 0, 0, 30);
    await writeMigration({ name: 'add-first', steps: nothing, nowMs }, folder);
    await writeMigration({ name: 'add-second', steps: nothing, nowMs }, folder);

    expect((await loadMigrations(folder)).map(({ constructor }) => constructor.name)).toEqual([
      'AddFirst1893456000000',
      'AddSecond1893456060000',
    ]);
  });

  test('quote statements that hold back-ticks, backslashes and placeholders', async () => {
    const statement = "SELECT '`\\d${x}`'";
    const input = { name: 'add-trial', steps: { up: [statement], down: [] }, nowMs: 0 };
    const path = await writeMigration(input, folder);

    expect(readFileSync(path, 'utf8')).toContain(
      "await runner.query(`SELECT '\\`\\\\d\\${x}\\`'`);",
    );
    expect(await loadMigrations(folder)).toHaveLength(1);
  });

  test('are not written under a name without verb and noun', async () => {
    await expect(
      writeMigration({ name: 'no_verb', steps: nothing, nowMs: 0 }, folder),
    ).rejects.toThrow('no_verb');
  });
});
