import type { Origin } from '../audit/append.ts';
import { selectFamiliarity } from '../entry/store-history.ts';
import { isDormant } from '../entry/store.ts';
import { accountNotFound } from '../entry/turn-away.ts';
import { DomainError } from '../errors.ts';
import type { Purpose } from '../phone/code.ts';
import type { E164 } from '../phone/number.ts';
import { requestCode } from '../phone/request.ts';
import type { RequestDeps, RequestedCode } from '../phone/request.ts';
import { screenNumber } from '../phone/screen.ts';
import { selectAccount } from './store.ts';

export type RequestVerificationDeps = RequestDeps & {
  readonly config: {
    readonly smsCountries: readonly string[];
    readonly revealAccountExistence: boolean;
    readonly dormantSeconds: number;
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
  const phone = await screenNumber(deps, input, origin);
  return requestCode(deps, {
    phone,
    purpose: input.purpose,
    origin,
    familiarity: () => selectFamiliarity(deps, phone, origin.addressUnit),
    screen: () => reveal(deps, input.purpose, phone),
  });
}

/**
 * Only where the operator chose it; asking costs the address a send, so it cannot list numbers. The
 * number of a dormant account may be a newcomer's, who learns after proof that it can be taken over.
 */
async function reveal(deps: RequestVerificationDeps, purpose: Purpose, phone: E164): Promise<void> {
  if (!deps.config.revealAccountExistence) return;
  const account = await selectAccount(deps.db, phone);
  if (purpose === 'register' && account) {
    if (!(await isDormant(deps.db, account.id, deps.config.dormantSeconds))) throw accountExists();
  }
  if (purpose === 'login' && !account) throw accountNotFound();
}

export function accountExists(): DomainError {
  return new DomainError('ACCOUNT_EXISTS', 'This number has an account already. Please sign in.');
}
