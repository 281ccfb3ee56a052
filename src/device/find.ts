import { DomainError } from '../errors.ts';
import type { Database } from '../platform/postgres.ts';
import { selectDevice } from './store.ts';
import type { DeviceRow } from './store.ts';

export interface FindDeps {
  readonly db: Database;
  readonly config: { readonly deviceReplaceableSeconds: number };
}

/** A device of the account that was not removed; signed out ones too. @throws DEVICE_NOT_FOUND */
export async function findDevice(
  deps: FindDeps,
  accountId: string,
  deviceId: string,
): Promise<DeviceRow> {
  const replaceableSeconds = deps.config.deviceReplaceableSeconds;
  const row = await selectDevice(deps.db, { accountId, deviceId, replaceableSeconds });
  if (!row) throw deviceNotFound();
  return row;
}

/** The same for an unknown device and for somebody else's: ids can be guessed or read. */
export function deviceNotFound(): DomainError {
  return new DomainError('DEVICE_NOT_FOUND', 'There is no such device.');
}
