import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** A Lua script: runs atomically on the server, called by its digest. */
export interface Script {
  readonly name: string;
  readonly lua: string;
  readonly sha: string;
}

/** Declares a script; its text starts with a KEYS / ARGV / returns header. */
export function script(name: string, lua: string): Script {
  return { name, lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/** Redis cannot be reached, is loading, is read-only or is full. Never the caller's fault. */
export class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable';
}

/** The service's door to Redis. Every call fails fast when Redis is away; nothing is queued. */
export class RedisStore {
  readonly #client: Redis;
  #replicationId: Promise<string> | undefined;

  constructor(client: Redis) {
    this.#client = client;
    client.on('close', () => (this.#replicationId = undefined));
  }

  isUp(): boolean {
    return this.#client.status === 'ready';
  }

  /** @throws RedisUnavailable */
  async run(
    called: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    return this.#guard(async () => {
      try {
        return await this.#client.evalsha(called.sha, keys.length, ...keys, ...args);
      } catch (error) {
        if (!Error.isError(error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return this.#client.eval(called.lua, keys.length, ...keys, ...args);
      }
    });
  }

  /**
   * The primary's replication id: it changes when a replica is promoted, and a record that carries
   * another one may be older than what was answered before.
   * @throws RedisUnavailable
   */
  async replicationId(): Promise<string> {
    this.#replicationId ??= this.#readReplicationId();
    return this.#replicationId;
  }

  /** @throws RedisUnavailable */
  async ping(): Promise<void> {
    await this.#guard(() => this.#client.ping());
  }

  /** Leaves without a word: going away on purpose is no outage. */
  close(): void {
    this.#client.removeAllListeners();
    this.#client.on('error', () => undefined);
    this.#client.disconnect();
  }

  async #readReplicationId(): Promise<string> {
    try {
      const info = await this.#guard(() => this.#client.info('replication'));
      return /master_replid:(\w+)/.exec(info)?.[1] ?? 'unknown';
    } catch (error) {
      this.#replicationId = undefined;
      throw error;
    }
  }

  async #guard<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (isScriptBug(error)) throw error;
      throw new RedisUnavailable('Redis is unavailable', { cause: error });
    }
  }
}

/** An error reply that retrying elsewhere would not change; all others mean "not now". */
function isScriptBug(error: unknown): boolean {
  return Error.isError(error) && /^(ERR|WRONGTYPE)/.test(error.message);
}
