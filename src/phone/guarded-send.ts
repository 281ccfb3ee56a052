import { prefixOf } from '../fraud/policy.ts';
import type { FraudPolicy } from '../fraud/policy.ts';
import type { GuardedSend } from '../fraud/store.ts';
import type { Purpose } from './code.ts';
import { traitsOf } from './number.ts';
import type { AttemptKey } from './store.ts';

/** A send as the toll-fraud guard may see it: without the number. */
export function guardedSend(
  policy: FraudPolicy,
  send: { phone: string; purpose: Purpose; key: AttemptKey; sendId: string },
): GuardedSend {
  const { number, country, kind } = traitsOf(send.phone);
  return {
    sendId: send.sendId,
    country,
    prefix: prefixOf(policy, number),
    numberKind: kind,
    purpose: send.purpose,
    phoneKey: send.key.phoneKey,
    addressKey: send.key.addressKey,
  };
}
