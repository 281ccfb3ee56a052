import type { QueryRunner } from 'typeorm';

/** Rows of a query on a TypeORM connection, whose own answer has no type. */
export async function ask(
  runner: QueryRunner,
  text: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const rows: unknown = await runner.query(text, [...values]);
  return Array.isArray(rows) ? rows.filter(isRow) : [];
}

function isRow(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
