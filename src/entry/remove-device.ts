import { appendAudit } from '../audit/append.ts';
import type { AuditActor, AuditType, Origin } from '../audit/append.ts';
import { listEveryDevice } from '../device/list.ts';
import { deactivateDevice } from '../device/store.ts';
import { DomainError } from '../errors.ts';
import { eraseEndedKeys } from '../keys/store.ts';
import { appendEvent } from '../outbox/append.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import { revokeSessions } from '../session/store-revocation.ts';
import type { RevokeReason } from '../session/store-revocation.ts';

export interface RemoveDeps {
  readonly random: Random;
  readonly config: { readonly accessTokenTtlSeconds: number };
}

export interface Removal {
  readonly accountId: string;
  readonly deviceId: string;
  readonly reason: RevokeReason;
  readonly origin: Origin;
  readonly type: Extract<AuditType, `device.${string}`>;
  readonly actor: AuditActor;
  /** The session that asked, if one did. */
  readonly bySessionId?: string;
}

/**
 * Ends a device: its sessions, its keys, and a word to other services and to the owner. Says which
 * sessions ended; announce them after COMMIT.
 */
export async function removeDevice(deps: RemoveDeps, tx: Tx, removal: Removal): Promise<string[]> {
  const { accountId, deviceId, reason, origin, type, actor, bySessionId } = removal;
  const ended = await revokeSessions(tx, {
    target: { accountId, onlyDeviceId: deviceId },
    reason,
    tokenSeconds: deps.config.accessTokenTtlSeconds,
  });
  await deactivateDevice(tx, accountId, deviceId);
  await eraseEndedKeys(tx, accountId, [deviceId]);
  const details = { sessions: ended.length, ...(bySessionId && { by: bySessionId }) };
  await appendAudit(tx, { type, actor, origin, accountId, deviceId, details });
  const about = { accountId, deviceId };
  await appendEvent(tx, { ...about, kind: 'device.revoked', id: deps.random.uuid() });
  await appendEvent(tx, {
    ...about,
    kind: 'security',
    id: deps.random.uuid(),
    event: 'DEVICE_REMOVED',
    attributes: { ipPrefix: origin.ipPrefix },
  });
  return ended.map(({ sessionId }) => sessionId);
}

export type ReplaceDeps = RemoveDeps & {
  readonly config: { readonly deviceCap: number; readonly deviceReplaceableSeconds: number };
};

export type Replacement =
  | { readonly status: 'done'; readonly endedSessionIds: readonly string[] }
  | { readonly status: 'refused'; readonly error: DomainError };

interface Request {
  readonly accountId: string;
  readonly replaceDeviceId: string;
  readonly origin: Origin;
}

/**
 * Ends the device that a sign-in at the cap names, if it was unused for long enough. The caller
 * holds the account's lock and rolls back when the sign-in is refused after this.
 */
export async function replaceDevice(
  deps: ReplaceDeps,
  tx: Tx,
  request: Request,
): Promise<Replacement> {
  const { accountId, replaceDeviceId, origin } = request;
  const living = await listEveryDevice(deps, tx, accountId);
  const device = living.find(({ id }) => id === replaceDeviceId);
  if (!device) return refused('DEVICE_NOT_FOUND', 'There is no such device.');
  if (!device.isReplaceable) {
    return refused('DEVICE_NOT_REPLACEABLE', 'This device was used too recently to be replaced.');
  }
  const endedSessionIds = await removeDevice(deps, tx, {
    accountId,
    deviceId: device.id,
    reason: 'device_removed',
    origin,
    type: 'device.replaced',
    actor: 'account',
  });
  return { status: 'done', endedSessionIds };
}

function refused(
  reason: 'DEVICE_NOT_FOUND' | 'DEVICE_NOT_REPLACEABLE',
  message: string,
): Replacement {
  return { status: 'refused', error: new DomainError(reason, message) };
}
