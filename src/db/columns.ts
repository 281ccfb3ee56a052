import { EntitySchema, EntitySchemaOptions } from 'typeorm';
import type { ColumnType, EntitySchemaColumnOptions } from 'typeorm';

type Parts = 'columns' | 'uniques' | 'checks' | 'indices' | 'foreignKeys';

/** 64-bit transaction ids: TypeORM's list of types lacks them, `createDataSource` adds them. */
export const XID8 = columnType('xid8');

export const uuid = { type: 'uuid' } as const;
export const text = { type: 'text' } as const;
export const bytes = { type: 'bytea' } as const;
export const integer = { type: 'integer' } as const;
export const boolean = { type: 'boolean' } as const;
export const json = { type: 'jsonb' } as const;
export const network = { type: 'cidr' } as const;
export const time = { type: 'timestamptz' } as const;

/** A time that the database sets when the row is made. */
export const madeAt = { type: 'timestamptz', default: now } as const;

/** `bigint GENERATED ALWAYS AS IDENTITY`; an EntitySchema cannot say it more exactly. */
export const identity = { type: 'bigint', primary: true, generated: 'increment' } as const;

/** The writing transaction, for cursors that follow commit order. */
export const writtenBy = { type: XID8, default: currentTransaction };

/** One table; columns are named by `PostgresNaming`. */
export function table<T>(name: string, parts: Pick<EntitySchemaOptions<T>, Parts>) {
  return new EntitySchema<T>(Object.assign(new EntitySchemaOptions<T>(), { name, ...parts }));
}

export function primary<C extends EntitySchemaColumnOptions>(column: C) {
  return { ...column, primary: true };
}

export function nullable<C extends EntitySchemaColumnOptions>(column: C) {
  return { ...column, nullable: true };
}

export function unique<C extends EntitySchemaColumnOptions>(column: C) {
  return { ...column, unique: true };
}

export function withDefault<C extends EntitySchemaColumnOptions>(
  column: C,
  value: string | number | boolean | object,
) {
  return { ...column, default: value };
}

function now(): string {
  return 'now()';
}

function currentTransaction(): string {
  return 'pg_current_xact_id()';
}

function columnType(name: string): ColumnType {
  if (isColumnType(name)) return name;
  throw new Error(`${name} is not a PostgreSQL type name`);
}

function isColumnType(name: string): name is Extract<ColumnType, string> {
  return /^[a-z][a-z0-9]*$/.test(name);
}
