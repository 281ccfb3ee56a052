import { appendAudit } from '../audit/append.ts';
import type { Origin } from '../audit/append.ts';
import { listEveryDevice } from '../device/list.ts';
import { DomainError } from '../errors.ts';
import { eraseEndedKeys } from '../keys/store.ts';
import { appendEvent } from '../outbox/append.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import { revokeSessions } from '../session/store-revocation.ts';

export interface ReplaceDeps {
  readonly random: Random;
  readonly config: {
    readonly deviceCap: number;
    readonly deviceReplaceableSeconds: number;
    readonly accessTokenTtlSeconds: number;
  };
}

export type Replacement =
  | { readonly status: 'done'; readonly endedSessionIds: readonly string[] }
  | { readonly status: 'refused'; readonly error: DomainError };

interface Request {
  readonly account: { readonly id: string };
  readonly replaceDeviceId: string;
  readonly origin: Origin;
}

/**
 * Ends the device that a login at the cap names, if it was unused for long enough. The caller holds
 * the account's lock and rolls back when the login is refused after this.
 */
export async function replaceDevice(
  deps: ReplaceDeps,
  tx: Tx,
  request: Request,
): Promise<Replacement> {
  const { account, replaceDeviceId, origin } = request;
  const living = await listEveryDevice(deps, tx, account.id);
  const device = living.find(({ id }) => id === replaceDeviceId);
  if (!device) return refused('DEVICE_NOT_FOUND', 'There is no such device.');
  if (!device.isReplaceable) {
    return refused('DEVICE_NOT_REPLACEABLE', 'This device was used too recently to be replaced.');
  }
  const ended = await revokeSessions(tx, {
    target: { accountId: account.id, onlyDeviceId: device.id },
    reason: 'device_removed',
    tokenSeconds: deps.config.accessTokenTtlSeconds,
  });
  await eraseEndedKeys(tx, account.id, [device.id]);
  const about = { accountId: account.id, deviceId: device.id };
  await appendAudit(tx, { ...about, type: 'device.replaced', actor: 'account', origin });
  await appendEvent(tx, { ...about, kind: 'device.revoked', id: deps.random.uuid() });
  return { status: 'done', endedSessionIds: ended.map(({ sessionId }) => sessionId) };
}

function refused(
  reason: 'DEVICE_NOT_FOUND' | 'DEVICE_NOT_REPLACEABLE',
  message: string,
): Replacement {
  return { status: 'refused', error: new DomainError(reason, message) };
}
