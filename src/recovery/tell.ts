import { appendAudit } from '../audit/append.ts';
import type { AuditActor, AuditType, Origin } from '../audit/append.ts';
import type { Refused } from '../entry/enter.ts';
import type { DomainError } from '../errors.ts';
import { appendEvent } from '../outbox/append.ts';
import type { SecurityEventKind } from '../outbox/event.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import type { Principal } from '../token/principal.ts';

export interface TellDeps {
  readonly random: Random;
}

/** Who did something to an account, and from where. */
export interface Act {
  readonly accountId: string;
  readonly actor: AuditActor;
  readonly origin: Origin;
  /** The session that asked, if one did. */
  readonly principal?: Principal;
}

export interface Told {
  readonly type: AuditType;
  readonly event: SecurityEventKind;
  readonly details: Readonly<Record<string, string | number>>;
}

/** An audit row, and a word to every device of the owner, in the transaction of the change. */
export async function tell(deps: TellDeps, tx: Tx, act: Act & Told): Promise<void> {
  const { accountId, actor, origin, principal, type, event, details } = act;
  const by = principal && { deviceId: principal.deviceId, sessionId: principal.sessionId };
  await appendAudit(tx, { type, actor, origin, accountId, details, ...by });
  const attributes: Record<string, string> = { ipPrefix: origin.ipPrefix };
  for (const [name, value] of Object.entries(details)) attributes[name] = String(value);
  await appendEvent(tx, {
    kind: 'security',
    id: deps.random.uuid(),
    accountId,
    event,
    deviceId: principal?.deviceId ?? '',
    attributes,
  });
}

/** Records why somebody with a proven number was refused; throw it after COMMIT. */
export async function refuseProven(
  tx: Tx,
  error: DomainError,
  about: { readonly type: AuditType; readonly origin: Origin; readonly accountId?: string },
): Promise<Refused> {
  await appendAudit(tx, { ...about, actor: 'anonymous', refusal: error.reason });
  return { status: 'refused', error };
}
