import { readdir, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { MigrationInterface } from 'typeorm';

/** The migrations beside this file: `.ts` in a checkout, `.js` after the build. */
export const MIGRATIONS_FOLDER = join(import.meta.dirname, 'migrations');

const FILE = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})-([a-z][a-z0-9]*(?:-[a-z0-9]+)+)$/;
const MINUTE_MS = 60_000;

/** The statements of a migration that is being written. */
export interface Steps {
  readonly up: readonly string[];
  readonly down: readonly string[];
}

/**
 * Loads the migrations in the order of their file names.
 * @throws Error if a file breaks the naming rule or does not hold the class its name announces
 */
export async function loadMigrations(folder = MIGRATIONS_FOLDER): Promise<MigrationInterface[]> {
  const migrations: MigrationInterface[] = [];
  for (const file of await migrationFiles(folder)) {
    const content: unknown = await import(pathToFileURL(join(folder, file)).href);
    migrations.push(instantiate(file, content));
  }
  return migrations;
}

/** The class name that a migration file must export, `CreateAccounts1795460400000`. */
export function classNameOf(file: string): string {
  const [, year, month, day, hour, minute, name] = FILE.exec(baseName(file)) ?? [];
  if (name === undefined) {
    throw new Error(`${file} is not named YYYYMMDDTHHMM-verb-noun, words of [a-z0-9]`);
  }
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:00Z`);
  if (Number.isNaN(time)) throw new Error(`${file} names a time that does not exist`);
  const words = name.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join('')}${time}`;
}

/**
 * Writes a new migration after the newest one and returns its path.
 * @throws Error if the name is not `verb-noun`
 */
export async function writeMigration(
  input: { name: string; steps: Steps; nowMs: number },
  folder = MIGRATIONS_FOLDER,
): Promise<string> {
  const files = await migrationFiles(folder);
  const newest = Number(files.map(classNameOf).at(-1)?.slice(-13) ?? 0);
  const minute = Math.floor(input.nowMs / MINUTE_MS) * MINUTE_MS;
  const time = new Date(Math.max(minute, newest + MINUTE_MS)).toISOString();
  const stamp = time.slice(0, 16).replace(/[-:]/g, '');
  const base = `${stamp}-${input.name}`;
  const path = join(folder, `${base}.ts`);
  await writeFile(path, source(classNameOf(base), input.steps), { flag: 'wx' });
  return path;
}

async function migrationFiles(folder: string): Promise<string[]> {
  const files = await readdir(folder);
  return files.filter((file) => /(?<!\.d)\.(ts|js)$/.test(file)).sort();
}

function instantiate(file: string, content: unknown): MigrationInterface {
  const name = classNameOf(file);
  const exported = typeof content === 'object' && content !== null ? Object.entries(content) : [];
  const [entry, ...others] = exported;
  if (entry === undefined || others.length > 0 || entry[0] !== name || !isMigration(entry[1])) {
    throw new Error(`${file} must export one migration class, ${name}, and nothing else`);
  }
  return new entry[1]();
}

function isMigration(value: unknown): value is new () => MigrationInterface {
  if (typeof value !== 'function') return false;
  const prototype: unknown = value.prototype;
  return (
    typeof prototype === 'object' && prototype !== null && 'up' in prototype && 'down' in prototype
  );
}

function baseName(file: string): string {
  return file.slice(0, file.length - extname(file).length);
}

function source(className: string, { up, down }: Steps): string {
  return `import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ${className} implements MigrationInterface {
  async up(${runnerParameter(up)}: QueryRunner): Promise<void> {${body(up)}}

  async down(${runnerParameter(down)}: QueryRunner): Promise<void> {${body(down)}}
}
`;
}

function runnerParameter(statements: readonly string[]): string {
  return statements.length === 0 ? '_runner' : 'runner';
}

function body(statements: readonly string[]): string {
  const lines = statements.map((text) => `    await runner.query(\`${escaped(text)}\`);\n`);
  return lines.length === 0 ? '' : `\n${lines.join('')}  `;
}

function escaped(text: string): string {
  return text.replace(/[\\`]|\$\{/g, (special) => `\\${special}`);
}
