import { sql } from '../platform/postgres.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Reason } from '../errors.ts';

/** Everything that is recorded; a name never changes its meaning. */
export type AuditType =
  | 'account.registered'
  | 'account.registration.refused'
  | 'account.reopened'
  | 'account.number_moved'
  | 'account.number_changed'
  | 'account.number_change_refused'
  | 'account.number_refusing'
  | 'account.number_refusal_lifted'
  | 'account.deleted'
  | 'account.locked_down'
  | 'account.lockdown_lifted'
  | 'account.lockdown_lift_refused'
  | 'recovery.started'
  | 'recovery.start_refused'
  | 'recovery.cancelled'
  | 'recovery.completed'
  | 'recovery.complete_refused'
  | 'device.added'
  | 'device.replaced'
  | 'device.renamed'
  | 'device.removed'
  | 'session.opened'
  | 'session.refused'
  | 'session.challenged'
  | 'session.step_up'
  | 'session.revoked'
  | 'session.logout'
  | 'session.logout.mismatch'
  | 'session.refresh.late'
  | 'session.refresh.reuse_detected'
  | 'keys.published'
  | 'link.scanned'
  | 'link.killed'
  | 'link.approved'
  | 'link.declined'
  | 'link.completed'
  | 'two_factor.set_up'
  | 'two_factor.enabled'
  | 'two_factor.disabled'
  | 'two_factor.codes_replaced'
  | 'two_factor.backup_code_used'
  | 'two_factor.code_wrong'
  | 'two_factor.refusing'
  | 'verification.code_wrong'
  | 'verification.refused';

/** Who did it. */
export type AuditActor = 'account' | 'anonymous' | 'service' | 'operator' | 'system';

/** Where a call came from. */
export interface Origin {
  readonly requestId: string;
  /** What limits count, an IPv4 address or an IPv6 /64. Never stored or logged, only hashed. */
  readonly addressUnit: string;
  /** /24 or /48, as a PostgreSQL `cidr`; empty when no network took part. */
  readonly ipPrefix: string;
}

export interface AuditEvent {
  readonly type: AuditType;
  readonly actor: AuditActor;
  readonly origin: Origin;
  /** Why it was refused; absent from what succeeded. */
  readonly refusal?: Reason;
  readonly accountId?: string;
  readonly deviceId?: string;
  readonly sessionId?: string;
  /** Small facts without secrets, numbers or keys. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** Appends to the audit log in the transaction of the change, so that neither exists alone. */
export async function appendAudit(tx: Tx, event: AuditEvent): Promise<void> {
  await tx.query(APPEND, [
    event.type,
    event.refusal === undefined ? 'success' : 'refused',
    event.refusal ?? null,
    event.actor,
    event.accountId ?? null,
    event.deviceId ?? null,
    event.sessionId ?? null,
    event.origin.ipPrefix === '' ? null : event.origin.ipPrefix,
    event.origin.requestId,
    JSON.stringify(event.details ?? {}),
  ]);
}

const APPEND = sql(
  'audit.append',
  `INSERT INTO audit_events
     (type, outcome, reason, actor, account_id, device_id, session_id, ip_prefix, request_id, details)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
);
