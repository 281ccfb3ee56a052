import type { Pool, PoolClient, QueryConfig } from 'pg';

/** One SQL statement; the name makes it a server-side prepared statement. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Declares a statement. `name` is `<feature>.<verb>` and must be unique in the process. */
export function sql(name: string, text: string): Statement {
  return { name, text };
}

/** Where a statement can run: the pool (autocommit) or an open transaction. */
export interface Queryable {
  query<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
}

declare const insideTransaction: unique symbol;

/** An open transaction. Only `Database.tx` makes one, so a store function can require it. */
export interface Tx extends Queryable {
  readonly [insideTransaction]: true;
}

/** PostgreSQL cannot be reached or refuses work for a reason of its own. Never the caller's fault. */
export class PostgresUnavailable extends Error {
  override readonly name = 'PostgresUnavailable';
}

const SERIALIZATION_FAILURE = '40001';
const DEADLOCK_DETECTED = '40P01';
const MAX_ATTEMPTS = 4;

/** The service's door to PostgreSQL: named prepared statements on one bounded pool. */
export class Database {
  readonly #pool: Pool;
  readonly #prepared: boolean;

  /** `prepared` is false behind a pooler that cannot keep named statements. */
  constructor(pool: Pool, options: { prepared: boolean }) {
    this.#pool = pool;
    this.#prepared = options.prepared;
  }

  /** @throws PostgresUnavailable */
  async query<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    try {
      return await run<Row>(this.#pool, this.#asQuery(statement, values));
    } catch (error) {
      throw translated(error);
    }
  }

  /**
   * Runs `work` in one READ COMMITTED transaction and commits when it returns. A serialization
   * failure or deadlock runs it again, so it must be safe to run twice: no Redis, no network.
   * @throws PostgresUnavailable
   */
  async tx<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(work);
      } catch (error) {
        if (attempt < MAX_ATTEMPTS && isRetryable(error)) continue;
        throw translated(error);
      }
    }
  }

  /** @throws PostgresUnavailable */
  async ping(): Promise<void> {
    await this.query(sql('platform.ping', 'SELECT 1'), []);
  }

  /** Connections in use, idle, and callers waiting for one. */
  load(): { total: number; idle: number; waiting: number } {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { total: totalCount, idle: idleCount, waiting: waitingCount };
  }

  #asQuery(statement: Statement, values: readonly unknown[]): QueryConfig {
    const query = { text: statement.text, values: [...values] };
    return this.#prepared ? { ...query, name: statement.name } : query;
  }

  async #once<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    client.on('error', ignoreLoss);
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const result = await work(transaction(client, (...given) => this.#asQuery(...given)));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: unknown) => {
        broken = Error.isError(failure) ? failure : new Error(String(failure));
      });
      throw error;
    } finally {
      client.off('error', ignoreLoss);
      client.release(broken);
    }
  }
}

/** The running statement fails with it. Without a listener the event would end the process. */
function ignoreLoss(): void {
  return undefined;
}

type AsQuery = (statement: Statement, values: readonly unknown[]) => QueryConfig;

function transaction(client: PoolClient, asQuery: AsQuery): Tx {
  const open = {
    query: <Row>(statement: Statement, values: readonly unknown[]) =>
      run<Row>(client, asQuery(statement, values)),
  };
  return open as Tx;
}

async function run<Row>(target: Pool | PoolClient, query: QueryConfig): Promise<Row[]> {
  const result = await target.query(query);
  return result.rows as Row[];
}

function isRetryable(error: unknown): boolean {
  const code = sqlState(error);
  return code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED;
}

/**
 * Classes 08 (connection), 53 (resources), 57 (operator intervention, time-outs), a read-only
 * standby and socket errors mean "not now"; everything else is a bug of ours and stays as it is.
 */
function translated(error: unknown): unknown {
  const code = sqlState(error);
  if (code !== undefined && /^(08|53|57|25006|55P03|40001|40P01)/.test(code))
    return unavailable(error);
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code))
    return isNetwork(error) ? unavailable(error) : error;
  return error;
}

/** The driver throws plain errors for lost connections and time-outs; other classes are not its. */
function isNetwork(error: unknown): boolean {
  if (!Error.isError(error) || !['Error', 'AggregateError'].includes(error.name)) return false;
  const code = sqlState(error) ?? '';
  const isSocketError = /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_|EADDR)/.test(code);
  return isSocketError || /connection|timeout|terminated|not queryable/i.test(error.message);
}

function unavailable(cause: unknown): PostgresUnavailable {
  return new PostgresUnavailable('PostgreSQL is unavailable', { cause });
}

function sqlState(error: unknown): string | undefined {
  if (!Error.isError(error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
