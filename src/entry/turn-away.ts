import type { AuditType, Origin } from '../audit/append.ts';
import { DomainError } from '../errors.ts';
import { addressKeyOf } from '../phone/limits.ts';
import type { Digest } from '../platform/digest.ts';
import type { Tx } from '../platform/postgres.ts';
import { refuse } from './enter.ts';
import type { Refused } from './enter.ts';
import { insertLoginAttempt } from './store-history.ts';

/** Somebody who proved the number of an account and still may not enter. */
export interface TurnedAway {
  readonly error: DomainError;
  readonly type: AuditType;
  readonly accountId: string;
  /** As the client named it; it may be no device of the account. */
  readonly deviceId: string;
  readonly origin: Origin;
}

/** Records a refusal after proof where the owner and the auditor read it; throw it after COMMIT. */
export async function turnAway(
  deps: { readonly digest: Digest },
  tx: Tx,
  turned: TurnedAway,
): Promise<Refused> {
  const { error, type, accountId, deviceId, origin } = turned;
  await insertLoginAttempt(tx, {
    accountId,
    deviceId,
    origin,
    addressKey: addressKeyOf(deps.digest, origin.addressUnit),
    status: 'failure',
    reason: error.reason,
  });
  return refuse(tx, error, { type, origin, accountId, deviceId });
}

/** `by` says who may lift it: an operator's lockdown is lifted by an operator only. */
export function lockedDown(by: 'owner' | 'operator'): DomainError {
  return new DomainError('ACCOUNT_LOCKED_DOWN', 'This account is locked down.', {
    metadata: { by },
  });
}

/** Told only to somebody who proved the number. */
export function accountNotFound(): DomainError {
  return new DomainError('ACCOUNT_NOT_FOUND', 'This number has no account yet. Please register.');
}
