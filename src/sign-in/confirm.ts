import type { Origin } from '../audit/append.ts';
import { selectFamiliarity } from '../entry/store-history.ts';
import { wrongCode } from '../entry/wrong-code.ts';
import type { WrongCodeDeps } from '../entry/wrong-code.ts';
import { checkCode } from '../phone/check.ts';
import type { CheckDeps } from '../phone/check.ts';
import type { Purpose } from '../phone/code.ts';
import type { E164 } from '../phone/number.ts';
import type { QuotaState } from '../platform/quota.ts';
import { selectAccount } from './store.ts';

export type ConfirmDeps = CheckDeps &
  WrongCodeDeps & { readonly config: { readonly verificationTtlSeconds: number } };

export interface Confirmation {
  /** Told only to somebody who entered the right code. */
  readonly requiresSecondFactor: boolean;
  /** How long the verification can be used. */
  readonly expiresInSeconds: number;
  /** What the address has left. */
  readonly quotas: readonly QuotaState[];
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
    throw await wrongCode(deps, { ...outcome, purpose: input.purpose, origin });
  }
  const isLogin = input.purpose === 'login';
  const account = isLogin ? await selectAccount(deps.db, outcome.phone) : undefined;
  return {
    requiresSecondFactor: account?.hasSecondFactor ?? false,
    expiresInSeconds: deps.config.verificationTtlSeconds,
    quotas: outcome.quotas,
  };
}
