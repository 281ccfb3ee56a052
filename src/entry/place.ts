import type { Origin } from '../audit/append.ts';
import { admitDevice, deviceLimit } from '../device/admit.ts';
import type { AdmitDeps, Admission } from '../device/admit.ts';
import type { DeviceDescription } from '../device/store.ts';
import type { KeyBundle } from '../keys/bundle.ts';
import { selectIdentityKey } from '../keys/store.ts';
import type { Tx } from '../platform/postgres.ts';
import { replaceDevice } from './remove-device.ts';
import type { ReplaceDeps, Replacement } from './remove-device.ts';

export type PlaceDeps = AdmitDeps & ReplaceDeps;

/** A device that wants to sign in to an account. */
export interface PlaceRequest {
  readonly accountId: string;
  readonly device: DeviceDescription;
  readonly bundle: KeyBundle | undefined;
  /** After DEVICE_LIMIT: the device that makes place. */
  readonly replaceDeviceId: string | undefined;
  readonly origin: Origin;
}

export type Place =
  | (Extract<Admission, { status: 'admitted' }> & { readonly endedSessionIds: readonly string[] })
  | Extract<Admission, { status: 'full' }>
  | Extract<Replacement, { status: 'refused' }>;

/**
 * A place for the device; the caller holds the account's lock. Another device is removed only where
 * no place is free, and the removal never outlives a sign-in that is refused after it: throwing
 * rolls it back. @throws DEVICE_LIMIT
 */
export async function findPlace(deps: PlaceDeps, tx: Tx, request: PlaceRequest): Promise<Place> {
  const { accountId, replaceDeviceId } = request;
  const device = {
    accountId,
    requestedId: request.device.id,
    hasOtherIdentity: await hasOtherIdentity(tx, request),
  };
  const admission = await admitDevice(deps, tx, device);
  if (admission.status === 'admitted') return { ...admission, endedSessionIds: [] };
  if (replaceDeviceId === undefined) return admission;
  const replaced = await replaceDevice(deps, tx, { ...request, replaceDeviceId });
  if (replaced.status === 'refused') return replaced;
  const second = await admitDevice(deps, tx, device);
  if (second.status === 'full') throw deviceLimit();
  return { ...second, endedSessionIds: replaced.endedSessionIds };
}

/** Whether the bundle names another identity than the one that the requested device published. */
async function hasOtherIdentity(
  tx: Tx,
  { accountId, device, bundle }: PlaceRequest,
): Promise<boolean> {
  if (!bundle) return false;
  const known = await selectIdentityKey(tx, { accountId, deviceId: device.id });
  return known !== undefined && !known.equals(bundle.identityKey);
}
