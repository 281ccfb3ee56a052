import { compare, hash } from 'bcrypt';
import { DomainError } from '../errors.ts';
import type { BoundedQueue } from '../platform/bounded-queue.ts';
import { QueueFullError } from '../platform/bounded-queue.ts';
import type { Digest } from '../platform/digest.ts';
import type { Random } from '../platform/random.ts';
import type { BackupCode } from './backup-code.ts';

export interface HashDeps {
  readonly digest: Digest;
  readonly random: Random;
  readonly bcryptQueue: BoundedQueue;
}

/** A backup code as it is stored. */
export interface HashedCode {
  readonly slot: number;
  /** bcrypt of the keyed hash: neither the database nor the pepper alone lets codes be guessed. */
  readonly codeHash: string;
  readonly pepperKid: string;
  readonly salt: Buffer;
}

const COST = 10;
const SALT_BYTES = 16;

/** A hash of what nobody knows: comparing with it takes as long as with a true one. */
const NOBODYS_HASH = '$2b$10$SY0D9fR1ypAArGl9LQBzZONEsTv8Gt3vZKMH2gUvn2WjjJfstaRze';

/** Some 60 ms for each code, two at a time; never inside a transaction. @throws OVERLOADED */
export async function hashBackupCodes(
  deps: HashDeps,
  accountId: string,
  codes: readonly BackupCode[],
): Promise<HashedCode[]> {
  const tasks = codes.map(({ slot, text }) => {
    const salt = deps.random.bytes(SALT_BYTES);
    const keyed = deps.digest.current(PURPOSE, partsOf(accountId, salt, text));
    const password = keyed.value.toString('base64');
    return async () => {
      return { slot, codeHash: await hash(password, COST), pepperKid: keyed.kid, salt };
    };
  });
  return queued(deps, tasks);
}

/**
 * Whether the code is the stored one. One bcrypt whatever happens: a code that has no form, a slot
 * that is used and a pepper that is gone take as long as a wrong code. @throws OVERLOADED
 */
export async function isStoredCode(
  deps: HashDeps,
  accountId: string,
  given: { readonly code: BackupCode | undefined; readonly stored: HashedCode | undefined },
): Promise<boolean> {
  const { code, stored } = given;
  const keyed =
    code && stored
      ? deps.digest.under(stored.pepperKid, PURPOSE, partsOf(accountId, stored.salt, code.text))
      : undefined;
  const password = (keyed ?? deps.random.bytes(32)).toString('base64');
  const codeHash = keyed && stored ? stored.codeHash : NOBODYS_HASH;
  const [isEqual] = await queued(deps, [() => compare(password, codeHash)]);
  return keyed !== undefined && isEqual === true;
}

const PURPOSE = 'backup-code';

function partsOf(accountId: string, salt: Buffer, text: string): string[] {
  return [accountId, salt.toString('hex'), text];
}

async function queued<T>(deps: HashDeps, tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  try {
    return await deps.bcryptQueue.run(tasks);
  } catch (error) {
    if (!(error instanceof QueueFullError)) throw error;
    const message = 'The service is busy. Please try again in a moment.';
    throw new DomainError('OVERLOADED', message, { cause: error });
  }
}
