import { createHmac } from 'node:crypto';

/** One key of a rotating set. `kid` names it in stored values. */
export interface KeyedSecret {
  readonly kid: string;
  readonly key: Buffer;
}

/**
 * Keyed hashes (HMAC-SHA-256) under a rotating set of keys, newest first. Values under an older
 * key stay readable until that key is dropped from the configuration.
 */
export class Digest {
  readonly #keys: readonly [KeyedSecret, ...KeyedSecret[]];

  constructor(keys: readonly [KeyedSecret, ...KeyedSecret[]]) {
    this.#keys = keys;
  }

  /** The newest key's name and its hash of `parts`. */
  current(purpose: string, parts: readonly string[]): { kid: string; value: Buffer } {
    const newest = this.#keys[0];
    return { kid: newest.kid, value: hash(newest.key, purpose, parts) };
  }

  /** The hash under the key `kid`, or nothing when that key was dropped. */
  under(kid: string, purpose: string, parts: readonly string[]): Buffer | undefined {
    const found = this.#keys.find((key) => key.kid === kid);
    return found && hash(found.key, purpose, parts);
  }

  /** The hashes under every key, newest first: for looking up what an older key wrote. */
  every(purpose: string, parts: readonly string[]): Buffer[] {
    return this.#keys.map(({ key }) => hash(key, purpose, parts));
  }
}

/** Each part is length-prefixed, so that ('ab', 'c') and ('a', 'bc') differ. */
function hash(key: Buffer, purpose: string, parts: readonly string[]): Buffer {
  const mac = createHmac('sha256', key);
  for (const part of [purpose, ...parts]) {
    const bytes = Buffer.from(part);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    mac.update(length).update(bytes);
  }
  return mac.digest();
}
