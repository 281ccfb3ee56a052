import type { Origin } from '../audit/append.ts';
import { recordRefusal } from '../fraud/admit.ts';
import type { GuardDeps } from '../fraud/admit.ts';
import { rateLimited } from '../limits/limiter.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { LimitPolicies } from '../limits/policy.ts';
import type { Digest } from '../platform/digest.ts';
import type { Random } from '../platform/random.ts';
import type { Purpose } from './code.ts';
import { guardedSend } from './guarded-send.ts';
import { attemptKey } from './limits.ts';
import { readNumber, storedNumber, traitsOf } from './number.ts';
import type { E164 } from './number.ts';

export interface ScreenDeps extends GuardDeps {
  readonly random: Random;
  readonly digest: Digest;
  readonly limiter: Limiter;
  readonly policies: LimitPolicies;
  readonly config: { readonly smsCountries: readonly string[] };
}

/**
 * Reads the number that a code is asked for. One of a kind or country that gets no codes is refused
 * in every mode, and that is recorded, as often as its address may ask at all.
 * @throws NUMBER_REFUSED, RATE_LIMITED, STORE_UNAVAILABLE
 */
export async function screenNumber(
  deps: ScreenDeps,
  input: { readonly phoneNumber: string; readonly purpose: Purpose },
  origin: Origin,
): Promise<E164> {
  const read = readNumber(input.phoneNumber, deps.config.smsCountries);
  if (read.status === 'read') return read.phone;
  const phone = storedNumber(traitsOf(input.phoneNumber).number);
  const key = attemptKey(deps.digest, phone, origin.addressUnit);
  const sendId = deps.random.uuid();
  const { ceilingPerAddress: policy } = deps.policies;
  const asked = { policy, key: key.addressKey.toString('base64url'), member: sendId };
  const taken = await deps.limiter.take([asked]);
  if (taken.status === 'refused') throw rateLimited(policy, taken.retryDelayMs);
  const send = guardedSend(deps.fraudPolicy, { phone, purpose: input.purpose, key, sendId });
  await recordRefusal(deps, { send, origin, reason: `number_${read.why}` });
  throw read.error;
}
