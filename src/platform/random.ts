import { randomBytes, randomInt, randomUUID } from 'node:crypto';

/** Randomness as a dependency, so that a test can know a code before it is sent. */
export interface Random {
  /** A uniformly random decimal code of `digits` digits, leading zeros kept. */
  code(digits: number): string;
  /** A random UUID (RFC 9562 version 4, 122 random bits). */
  uuid(): string;
  /** `count` uniformly random bytes. */
  bytes(count: number): Buffer;
}

export const systemRandom: Random = {
  code: (digits) =>
    randomInt(10 ** digits)
      .toString()
      .padStart(digits, '0'),
  uuid: () => randomUUID(),
  bytes: (count) => randomBytes(count),
};
