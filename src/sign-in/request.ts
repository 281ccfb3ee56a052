import { DomainError } from '../errors.ts';
import type { Origin } from '../audit/append.ts';
import type { Purpose } from '../phone/code.ts';
import { parseNumber } from '../phone/number.ts';
import type { E164 } from '../phone/number.ts';
import { requestCode } from '../phone/request.ts';
import type { RequestDeps, RequestedCode } from '../phone/request.ts';
import { selectAccount, selectFamiliarity } from './store.ts';

export type RequestVerificationDeps = RequestDeps & {
  readonly config: {
    readonly smsCountries: readonly string[];
    readonly revealAccountExistence: boolean;
  };
};

/**
 * Sends a code to a number. Known and unknown numbers get the same answer after the same work,
 * unless the operator chose to reveal accounts.
 * @throws NUMBER_REFUSED, RATE_LIMITED, SMS_UNAVAILABLE, STORE_UNAVAILABLE;
 *   ACCOUNT_EXISTS, ACCOUNT_NOT_FOUND only with REVEAL_ACCOUNT_EXISTENCE
 */
export async function requestVerification(
  deps: RequestVerificationDeps,
  input: { purpose: Purpose; phoneNumber: string },
  origin: Origin,
): Promise<RequestedCode> {
  const phone = parseNumber(input.phoneNumber, deps.config.smsCountries);
  return requestCode(deps, {
    phone,
    purpose: input.purpose,
    addressUnit: origin.addressUnit,
    familiarity: () => selectFamiliarity(deps, phone, origin.addressUnit),
    screen: () => reveal(deps, input.purpose, phone),
  });
}

/** Only where the operator chose it; asking costs the address a send, so it cannot list numbers. */
async function reveal(deps: RequestVerificationDeps, purpose: Purpose, phone: E164): Promise<void> {
  if (!deps.config.revealAccountExistence) return;
  const account = await selectAccount(deps.db, phone);
  if (purpose === 'register' && account) throw accountExists();
  if (purpose === 'login' && !account) throw accountNotFound();
}

export function accountExists(): DomainError {
  return new DomainError('ACCOUNT_EXISTS', 'This number has an account already. Please sign in.');
}

export function accountNotFound(): DomainError {
  return new DomainError('ACCOUNT_NOT_FOUND', 'This number has no account yet. Please register.');
}
