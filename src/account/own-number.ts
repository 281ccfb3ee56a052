import { selectFamiliarity } from '../entry/store-history.ts';
import { wrongCode } from '../entry/wrong-code.ts';
import type { WrongCodeDeps } from '../entry/wrong-code.ts';
import { DomainError } from '../errors.ts';
import { checkCode } from '../phone/check.ts';
import type { CheckDeps } from '../phone/check.ts';
import type { Purpose } from '../phone/code.ts';
import type { E164 } from '../phone/number.ts';
import { requestCode } from '../phone/request.ts';
import type { RequestDeps, RequestedCode } from '../phone/request.ts';
import { screenNumber } from '../phone/screen.ts';
import type { ScreenDeps } from '../phone/screen.ts';
import type { QuotaState } from '../platform/quota.ts';
import { isHeldBack, stepUpRequired } from '../session/seniority.ts';
import type { SeniorityDeps } from '../session/seniority.ts';
import { sessionRevoked } from '../session/authenticate.ts';
import type { Bearer, Principal } from '../token/principal.ts';
import { selectOwnAccount } from './store-account.ts';

export type OwnNumberDeps = RequestDeps & CheckDeps & ScreenDeps & WrongCodeDeps & SeniorityDeps;

export type ChangePurpose = Extract<Purpose, `change_${string}`>;

/**
 * Sends a code to the account's present number, for the bearer's session only.
 * @throws STEP_UP_REQUIRED, ACCOUNT_NOT_FOUND, RATE_LIMITED, SMS_UNAVAILABLE, STORE_UNAVAILABLE
 */
export async function requestOldNumber(
  deps: OwnNumberDeps,
  bearer: Bearer,
): Promise<RequestedCode> {
  const phone = await presentNumber(deps, bearer.principal);
  if (phone === null) {
    throw new DomainError('ACCOUNT_NOT_FOUND', 'This account has no number any more.');
  }
  return request(deps, bearer, { phone, purpose: 'change_old' });
}

/**
 * Sends a code to the number that the account shall have, for the bearer's session only. Whether the
 * number has an account is not told: that takes the proof.
 * @throws NUMBER_REFUSED, NUMBER_UNCHANGED, STEP_UP_REQUIRED, RATE_LIMITED, SMS_UNAVAILABLE,
 *   STORE_UNAVAILABLE
 */
export async function requestNewNumber(
  deps: OwnNumberDeps,
  bearer: Bearer,
  phoneNumber: string,
): Promise<RequestedCode> {
  const present = await presentNumber(deps, bearer.principal);
  const input = { phoneNumber, purpose: 'change_new' } as const;
  const phone = await screenNumber(deps, input, bearer.origin);
  if (phone === present) throw numberUnchanged();
  return request(deps, bearer, { phone, purpose: 'change_new' });
}

/**
 * Proves one of the two numbers to the session that asked for the code.
 * @throws CODE_WRONG, CODE_EXPIRED, CODE_ATTEMPTS_EXCEEDED, VERIFICATION_UNKNOWN, RATE_LIMITED,
 *   STORE_UNAVAILABLE
 */
export async function confirmNumber(
  deps: OwnNumberDeps,
  bearer: Bearer,
  input: { purpose: ChangePurpose; verificationId: string; code: string },
): Promise<readonly QuotaState[]> {
  const { principal, origin } = bearer;
  const { addressUnit } = origin;
  const outcome = await checkCode(deps, {
    ...input,
    owner: ownerOf(principal),
    addressUnit,
    familiarity: (phone) => selectFamiliarity(deps, phone, addressUnit),
  });
  if (outcome.status === 'confirmed') return outcome.quotas;
  throw await wrongCode(deps, { ...outcome, ...bearer, purpose: input.purpose });
}

/** Whom a verification of a number change is reserved to: an account, and one session of it. */
export function ownerOf({ accountId, sessionId }: Principal): string {
  return `${accountId}:${sessionId}`;
}

export function numberUnchanged(): DomainError {
  return new DomainError('NUMBER_UNCHANGED', 'This is the number of your account already.');
}

/** @throws STEP_UP_REQUIRED, SESSION_REVOKED */
async function presentNumber(deps: OwnNumberDeps, principal: Principal): Promise<E164 | null> {
  const account = await selectOwnAccount(deps.db, principal.accountId);
  if (!account) throw sessionRevoked();
  if (await isHeldBack(deps, deps.db, principal.sessionId)) throw stepUpRequired();
  return account.phone;
}

function request(
  deps: OwnNumberDeps,
  { principal, origin }: Bearer,
  wanted: { phone: E164; purpose: ChangePurpose },
): Promise<RequestedCode> {
  return requestCode(deps, {
    ...wanted,
    owner: ownerOf(principal),
    origin,
    familiarity: () => selectFamiliarity(deps, wanted.phone, origin.addressUnit),
    screen: () => Promise.resolve(),
  });
}
