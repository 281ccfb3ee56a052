import { listDevicesOf } from './store.ts';
import type { DeviceRow } from './store.ts';
import type { FindDeps } from './find.ts';

export interface AccountDevices {
  readonly accountId: string;
  readonly devices: readonly DeviceRow[];
}

/** The living devices of each account, in the order asked for; an unknown account has none. */
export async function listDevicesOfAccounts(
  deps: FindDeps,
  accountIds: readonly string[],
): Promise<AccountDevices[]> {
  const distinct = [...new Set(accountIds)];
  const rows = await listDevicesOf(deps.db, distinct, deps.config.deviceReplaceableSeconds);
  const devicesOf = Map.groupBy(rows, ({ accountId }) => accountId);
  return accountIds.map((accountId) => ({ accountId, devices: devicesOf.get(accountId) ?? [] }));
}
