import type { HandlerContext } from '@connectrpc/connect';
import type { Origin } from '../audit/append.ts';
import { limitUnit, storedPrefix } from '../platform/address.ts';
import type { Bearer } from '../token/principal.ts';
import { callOf, principalOf } from './call.ts';

/** Where a call came from, as limits and audit rows use it. */
export function originOf(context: Pick<HandlerContext, 'values'>): Origin {
  const { requestId, clientAddress } = callOf(context);
  return {
    requestId,
    addressUnit: limitUnit(clientAddress),
    ipPrefix: storedPrefix(clientAddress),
  };
}

/** The user who calls, and from where. @throws TOKEN_MISSING */
export function bearerOf(context: Pick<HandlerContext, 'values'>): Bearer {
  return { principal: principalOf(context), origin: originOf(context) };
}
