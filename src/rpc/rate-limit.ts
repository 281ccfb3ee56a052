import type { HandlerContext } from '@connectrpc/connect';
import { quotaFields } from '../platform/quota.ts';
import type { QuotaState } from '../platform/quota.ts';

/** Tells the caller what is left of its limits; the edge passes these headers on to REST. */
export function showQuotas(
  context: Pick<HandlerContext, 'responseHeader'>,
  states: readonly QuotaState[],
): void {
  for (const [name, value] of quotaFields(states)) context.responseHeader.set(name, value);
}
