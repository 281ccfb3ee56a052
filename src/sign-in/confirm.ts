import { appendAudit } from '../audit/append.ts';
import type { Origin } from '../audit/append.ts';
import { DomainError } from '../errors.ts';
import { checkCode } from '../phone/check.ts';
import type { CheckDeps } from '../phone/check.ts';
import type { Purpose } from '../phone/code.ts';
import { insertCodeFailure } from '../entry/store-history.ts';
import { addressKeyOf } from '../phone/limits.ts';
import type { E164 } from '../phone/number.ts';
import { selectAccount, selectFamiliarity } from './store.ts';

export type ConfirmDeps = CheckDeps & {
  readonly config: { readonly verificationTtlSeconds: number };
};

export interface Confirmation {
  /** Told only to somebody who entered the right code. */
  readonly requiresSecondFactor: boolean;
  /** How long the verification can be used. */
  readonly expiresInSeconds: number;
}

/**
 * Proves a number with its code; a wrong one is kept in the history of the number's account.
 * @throws CODE_WRONG, CODE_EXPIRED, CODE_ATTEMPTS_EXCEEDED, VERIFICATION_UNKNOWN, RATE_LIMITED,
 *   STORE_UNAVAILABLE
 */
export async function confirmVerification(
  deps: ConfirmDeps,
  input: { purpose: Purpose; verificationId: string; code: string },
  origin: Origin,
): Promise<Confirmation> {
  const { addressUnit } = origin;
  const familiarity = (phone: E164) => selectFamiliarity(deps, phone, addressUnit);
  const outcome = await checkCode(deps, { ...input, addressUnit, familiarity });
  if (outcome.status === 'wrong') {
    await recordFailure(deps, { ...input, phone: outcome.phone }, origin);
    throw codeWrong(outcome.checksLeft);
  }
  const isLogin = input.purpose === 'login';
  const account = isLogin ? await selectAccount(deps.db, outcome.phone) : undefined;
  return {
    requiresSecondFactor: account?.hasSecondFactor ?? false,
    expiresInSeconds: deps.config.verificationTtlSeconds,
  };
}

/**
 * One commit whether the number has an account or not: a caller could tell them apart by the time
 * that a write takes.
 */
async function recordFailure(
  deps: ConfirmDeps,
  failed: { purpose: Purpose; phone: E164 },
  origin: Origin,
): Promise<void> {
  const { purpose, phone } = failed;
  const addressKey = addressKeyOf(deps.digest, origin.addressUnit);
  const reason = 'CODE_WRONG';
  await deps.db.tx(async (tx) => {
    const details = { purpose };
    const event = { type: 'verification.code_wrong', actor: 'anonymous', origin, details } as const;
    await appendAudit(tx, { ...event, refusal: reason });
    if (purpose === 'login') await insertCodeFailure(tx, { phone, origin, addressKey, reason });
  });
}

function codeWrong(checksLeft: number): DomainError {
  return new DomainError('CODE_WRONG', 'This code is not right. Please check it and try again.', {
    violations: [{ field: 'code', description: 'is not the code that was sent' }],
    metadata: { checksLeft: String(checksLeft) },
  });
}
