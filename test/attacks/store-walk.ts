import { createHash } from 'node:crypto';
import type { TestApp } from '../support/app.ts';

/** One value of a store, as somebody reads it who took the store away. */
export interface Stored {
  /** `table.column`, or the first part of a key of Redis. */
  readonly where: string;
  readonly text: string;
}

/** Every text, byte and JSON value of PostgreSQL, and every key and value of Redis. */
export async function everythingStored(app: TestApp): Promise<Stored[]> {
  return [...(await columnsOf(app)), ...(await keysOf(app))];
}

/** Places that hold one of `secrets`, in any spelling that can be read back. */
export function placesOf(stored: readonly Stored[], secrets: readonly string[]): string[] {
  const spellings = secrets.flatMap(spellingsOf);
  const found = stored.filter(({ text }) => spellings.some((spelling) => holds(text, spelling)));
  return [...new Set(found.map(({ where }) => where))].sort();
}

/** Plain, as hexadecimal or base64, and under the digests that anybody can compute. */
function spellingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const digests = ['md5', 'sha1', 'sha256', 'sha512'].map((name) =>
    createHash(name).update(bytes).digest(),
  );
  const encoded = [bytes, ...digests].flatMap((value) => [
    value.toString('hex'),
    value.toString('base64'),
    value.toString('base64url'),
  ]);
  return [secret, ...encoded];
}

/** Short secrets only as words of their own: six digits stand in many a time stamp. */
function holds(text: string, spelling: string): boolean {
  if (spelling.length > 12) return text.toLowerCase().includes(spelling.toLowerCase());
  const escaped = spelling.replace(/[^\w]/g, '\\$&');
  return new RegExp(`(?<![\\w+/.:-])${escaped}(?![\\w+/=.:-])`, 'i').test(text);
}

async function columnsOf(app: TestApp): Promise<Stored[]> {
  const columns = await app.sql<{ table: string; column: string }>(
    `SELECT c.table_name AS "table", c.column_name AS "column"
       FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
      WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
        AND c.udt_name IN ('text', 'varchar', 'bytea', 'json', 'jsonb', '_text', 'cidr', 'inet', 'uuid')`,
  );
  const stored: Stored[] = [];
  for (const { table, column } of columns) {
    const rows = await app.sql<{ value: unknown }>(
      `SELECT "${column}" AS value FROM "${table}" WHERE "${column}" IS NOT NULL`,
    );
    for (const { value } of rows) {
      for (const text of textsOf(value)) stored.push({ where: `${table}.${column}`, text });
    }
  }
  return stored;
}

/** Bytes also as text: a payload may hold a number in plain. */
function textsOf(value: unknown): string[] {
  if (Buffer.isBuffer(value)) return [value.toString('hex'), value.toString('latin1')];
  return [typeof value === 'string' ? value : JSON.stringify(value)];
}

async function keysOf({ redis }: TestApp): Promise<Stored[]> {
  const stored: Stored[] = [];
  for (const key of await redis.keys('*')) {
    const where = `redis ${key.split(':')[0] ?? ''}`;
    stored.push({ where: `${where} (key)`, text: key });
    const texts = await valuesOf(redis, key);
    for (const text of texts) stored.push({ where, text });
  }
  return stored;
}

async function valuesOf(redis: TestApp['redis'], key: string): Promise<string[]> {
  switch (await redis.type(key)) {
    case 'string':
      return [(await redis.get(key)) ?? ''];
    case 'hash':
      return Object.entries(await redis.hgetall(key)).flat();
    case 'zset':
      return redis.zrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'stream':
      return [JSON.stringify(await redis.xrange(key, '-', '+'))];
    default:
      return [];
  }
}
