import { appendAudit } from '../audit/append.ts';
import type { AuditEvent } from '../audit/append.ts';
import { appendEvent } from '../outbox/append.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import type { Bearer } from '../token/principal.ts';

export type FactorChange = 'set_up' | 'enabled' | 'disabled' | 'codes_replaced';

/** An audit row for a change of the factor. */
export async function recordChange(tx: Tx, bearer: Bearer, change: FactorChange): Promise<void> {
  await appendAudit(tx, { ...aboutOf(bearer), type: `two_factor.${change}` });
}

/** An audit row, and a word to every device of the account. */
export async function tellOfChange(
  { random }: { readonly random: Random },
  tx: Tx,
  { change, ...bearer }: Bearer & { readonly change: FactorChange },
): Promise<void> {
  const { accountId, deviceId } = bearer.principal;
  await recordChange(tx, bearer, change);
  await appendEvent(tx, {
    kind: 'security',
    id: random.uuid(),
    accountId,
    event: 'TWO_FACTOR_CHANGED',
    deviceId,
    attributes: { action: change, ipPrefix: bearer.origin.ipPrefix },
  });
}

/** The audit row of a right code that somebody else had used a moment before. */
export async function recordLateCode(tx: Tx, bearer: Bearer): Promise<void> {
  const refusal = 'TWO_FACTOR_CODE_WRONG';
  await appendAudit(tx, { ...aboutOf(bearer), type: 'two_factor.code_wrong', refusal });
}

function aboutOf({ principal, origin }: Bearer): Omit<AuditEvent, 'type'> {
  const { accountId, deviceId, sessionId } = principal;
  return { actor: 'account', origin, accountId, deviceId, sessionId };
}
