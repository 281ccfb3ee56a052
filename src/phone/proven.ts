import { DomainError } from '../errors.ts';
import type { Database } from '../platform/postgres.ts';
import type { RedisStore } from '../platform/redis.ts';
import { unknown } from './check.ts';
import type { Purpose } from './code.ts';
import type { E164 } from './number.ts';
import { readRecord } from './record.ts';
import { isConsumed } from './store.ts';

/**
 * The number that a confirmed verification proves. Reading does not use it up: that is
 * `consumeVerification`, in the transaction of what it pays for.
 * @throws VERIFICATION_UNKNOWN, VERIFICATION_UNCONFIRMED, VERIFICATION_SPENT, STORE_UNAVAILABLE
 */
export async function provenNumber(
  deps: { readonly redis: RedisStore; readonly db: Database },
  verificationId: string,
  purpose: Purpose,
): Promise<E164> {
  const record = await readRecord(deps.redis, verificationId, purpose);
  switch (record.status) {
    case 'confirmed':
      return record.phone;
    case 'unconfirmed':
      throw new DomainError(
        'VERIFICATION_UNCONFIRMED',
        'Please enter the code that was sent to you first.',
      );
    case 'unknown':
      throw (await isConsumed(deps.db, verificationId)) ? spent() : unknown();
    default:
      return record satisfies never;
  }
}

export function spent(): DomainError {
  const message = 'This verification was used already. Please request a new code.';
  return new DomainError('VERIFICATION_SPENT', message);
}
