import { appendAudit } from '../audit/append.ts';
import type { Origin } from '../audit/append.ts';
import { DomainError } from '../errors.ts';
import { appendEvent } from '../outbox/append.ts';
import type { Purpose } from '../phone/code.ts';
import { addressKeyOf, phoneKeyOf } from '../phone/limits.ts';
import type { E164 } from '../phone/number.ts';
import { takeRefusalNotice } from '../phone/store.ts';
import type { Digest } from '../platform/digest.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import type { Principal } from '../token/principal.ts';
import { holdAccountOf } from './store.ts';
import { insertCodeFailure } from './store-history.ts';

export interface WrongCodeDeps {
  readonly db: Database;
  readonly random: Random;
  readonly digest: Digest;
  readonly config: { readonly refusingFailures: number };
}

export interface WrongCode {
  readonly purpose: Purpose;
  readonly phone: E164;
  readonly checksLeft: number;
  readonly origin: Origin;
  /** Who entered it, where that is known. */
  readonly principal?: Principal;
}

/**
 * Records a wrong code, and says what to throw. One commit whether the number has an account or not:
 * a caller could tell them apart by the time that a write takes.
 */
export async function wrongCode(deps: WrongCodeDeps, wrong: WrongCode): Promise<DomainError> {
  const { purpose, phone, origin, principal, checksLeft } = wrong;
  const addressKey = addressKeyOf(deps.digest, origin.addressUnit);
  const reason = 'CODE_WRONG';
  await deps.db.tx(async (tx) => {
    await appendAudit(tx, {
      type: 'verification.code_wrong',
      actor: principal ? 'account' : 'anonymous',
      origin,
      refusal: reason,
      details: { purpose },
      ...(principal && { accountId: principal.accountId, sessionId: principal.sessionId }),
    });
    if (purpose === 'login') await insertCodeFailure(tx, { phone, origin, addressKey, reason });
    await tellOfRefusal(deps, tx, wrong);
  });
  return new DomainError(reason, 'This code is not right. Please check it and try again.', {
    violations: [{ field: 'code', description: 'is not the code that was sent' }],
    metadata: { checksLeft: String(checksLeft) },
  });
}

/** The failure from which on strange addresses are refused is told to the number's owner, once. */
async function tellOfRefusal(
  deps: WrongCodeDeps,
  tx: Tx,
  { phone, origin }: WrongCode,
): Promise<void> {
  const phoneKey = phoneKeyOf(deps.digest, phone);
  if (!(await takeRefusalNotice(tx, phoneKey, deps.config.refusingFailures))) return;
  const accountId = await holdAccountOf(tx, phone);
  if (accountId === undefined) return;
  await appendAudit(tx, { type: 'account.number_refusing', actor: 'system', origin, accountId });
  await appendEvent(tx, {
    kind: 'security',
    id: deps.random.uuid(),
    accountId,
    event: 'NUMBER_REFUSING',
    deviceId: '',
    attributes: { ipPrefix: origin.ipPrefix },
  });
}
