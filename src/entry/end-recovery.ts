import { appendAudit } from '../audit/append.ts';
import type { AuditActor, Origin } from '../audit/append.ts';
import { appendEvent } from '../outbox/append.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import { updateRecoveryEnded } from './store.ts';
import type { RecoveryEnd } from './store.ts';

/** Who made a recovery pointless, and from where. */
export interface EndOfRecovery {
  readonly accountId: string;
  readonly deviceId?: string;
  readonly sessionId?: string;
  readonly actor: AuditActor;
  readonly origin: Origin;
}

/**
 * Ends the recovery that the account has running, if one has, because what it stood on changed: it
 * would turn off a factor that is not the lost one, or wait until nobody can cancel it. The caller
 * holds the account's lock.
 */
export async function endRecovery(
  deps: { readonly random: Random },
  tx: Tx,
  end: EndOfRecovery & { readonly outcome: RecoveryEnd },
): Promise<void> {
  const { outcome, ...about } = end;
  const { accountId, deviceId = '', origin } = about;
  if (!(await updateRecoveryEnded(tx, accountId, outcome))) return;
  await appendAudit(tx, { ...about, type: 'recovery.cancelled', details: { outcome } });
  await appendEvent(tx, {
    kind: 'security',
    id: deps.random.uuid(),
    accountId,
    event: 'RECOVERY_ENDED',
    deviceId,
    attributes: { ipPrefix: origin.ipPrefix, outcome },
  });
}
