import { deviceNotFound } from '../device/find.ts';
import { selectDevice, selectOtherDeviceIds } from '../device/store.ts';
import { removeDevice } from '../entry/remove-device.ts';
import type { RemoveDeps } from '../entry/remove-device.ts';
import { lockAccountById } from '../entry/store.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import { announceRevoked } from '../session/revoke.ts';
import type { AnnounceDeps } from '../session/revoke.ts';
import { requireSeniority, stepUpRequired } from '../session/seniority.ts';
import type { SeniorityDeps } from '../session/seniority.ts';
import { countSeniorTargets } from '../session/store-seniority.ts';
import type { Bearer } from '../token/principal.ts';
import { requireLivingSession } from './living-session.ts';

export type RevokeDeviceDeps = RemoveDeps &
  AnnounceDeps &
  SeniorityDeps & {
    readonly db: Database;
    readonly config: { readonly deviceReplaceableSeconds: number };
  };

/**
 * Removes a device of the account: its sessions end, its keys are erased, others are told. The
 * bearer's own is no exception. Signed-out devices can be removed too, so that whoever still sends to
 * them learns of it. Under the account's lock: nobody signs in on a device that is being removed.
 * @throws DEVICE_NOT_FOUND, STEP_UP_REQUIRED, SESSION_REVOKED
 */
export async function revokeDevice(
  deps: RevokeDeviceDeps,
  bearer: Bearer,
  deviceId: string,
): Promise<void> {
  const { accountId, sessionId } = bearer.principal;
  const replaceableSeconds = deps.config.deviceReplaceableSeconds;
  const ended = await deps.db.tx(async (tx) => {
    await lockAccountById(tx, accountId);
    await requireLivingSession(tx, bearer.principal);
    const device = await selectDevice(tx, { accountId, deviceId, replaceableSeconds });
    if (!device) throw deviceNotFound();
    const act = { target: { accountId, onlyDeviceId: deviceId }, sessionId };
    if ((await countSeniorTargets(tx, act, deps.config)) > 0) throw stepUpRequired();
    return remove(deps, tx, { bearer, deviceId });
  });
  await announceRevoked(deps, ended);
}

/**
 * Removes every device with a living session but the bearer's; says how many. The cap bounds them.
 * @throws STEP_UP_REQUIRED, SESSION_REVOKED
 */
export async function revokeOtherDevices(deps: RevokeDeviceDeps, bearer: Bearer): Promise<number> {
  const { principal } = bearer;
  const { count, ended } = await deps.db.tx(async (tx) => {
    await lockAccountById(tx, principal.accountId);
    await requireLivingSession(tx, principal);
    await requireSeniority(deps, tx, principal);
    const ids = await selectOtherDeviceIds(tx, principal.accountId, principal.deviceId);
    const sessionIds: string[] = [];
    for (const deviceId of ids) sessionIds.push(...(await remove(deps, tx, { bearer, deviceId })));
    return { count: ids.length, ended: sessionIds };
  });
  await announceRevoked(deps, ended);
  return count;
}

function remove(
  deps: RevokeDeviceDeps,
  tx: Tx,
  { bearer, deviceId }: { readonly bearer: Bearer; readonly deviceId: string },
): Promise<string[]> {
  const { principal, origin } = bearer;
  return removeDevice(deps, tx, {
    accountId: principal.accountId,
    deviceId,
    reason: 'device_removed',
    origin,
    type: 'device.removed',
    actor: 'account',
    bySessionId: principal.sessionId,
  });
}
