import { appendAudit } from '../audit/append.ts';
import type { Origin } from '../audit/append.ts';
import { deleteDevices } from '../device/store.ts';
import { hideHistory, releaseNumber } from '../entry/store.ts';
import { appendEvent } from '../outbox/append.ts';
import { attemptKey } from '../phone/limits.ts';
import type { E164 } from '../phone/number.ts';
import type { Digest } from '../platform/digest.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';

export interface DormantDeps {
  readonly random: Random;
  readonly digest: Digest;
  readonly config: { readonly dormantSeconds: number };
}

/** A dormant account, whose lock the caller holds. */
export interface Dormant {
  readonly accountId: string;
  readonly phone: E164;
  readonly origin: Origin;
}

/**
 * Opens a dormant account to whoever has its number now: the carrier may have given it to somebody
 * else, who must find neither devices nor history of the owner before.
 */
export async function reopenAccount(deps: DormantDeps, tx: Tx, dormant: Dormant): Promise<void> {
  const { accountId, origin } = dormant;
  await forgetDevices(deps, tx, accountId);
  await hideHistory(tx, accountId);
  await appendAudit(tx, { type: 'account.reopened', actor: 'account', origin, accountId });
}

/**
 * Takes the number of a dormant account for a new one. The old account keeps its id and factors,
 * but no number leads to it any more. Both events of the number keep their order.
 */
export async function moveNumber(deps: DormantDeps, tx: Tx, dormant: Dormant): Promise<void> {
  const { accountId, phone, origin } = dormant;
  await releaseNumber(tx, accountId);
  await forgetDevices(deps, tx, accountId);
  await appendAudit(tx, { type: 'account.number_moved', actor: 'anonymous', origin, accountId });
  const { phoneKey } = attemptKey(deps.digest, phone, origin.addressUnit);
  await appendEvent(tx, {
    kind: 'user.deprovisioned',
    id: deps.random.uuid(),
    accountId,
    phoneKey,
    reason: 'NUMBER_MOVED',
  });
}

/** Their rows go, names and keys with them; other services forget those that they still know. */
async function forgetDevices(deps: DormantDeps, tx: Tx, accountId: string): Promise<void> {
  const devices = await deleteDevices(tx, accountId);
  for (const { id: deviceId, isActive } of devices) {
    const event = { id: deps.random.uuid(), accountId, deviceId };
    if (isActive) await appendEvent(tx, { ...event, kind: 'device.revoked' });
  }
}
