import type { Origin } from '../audit/append.ts';
import { admitDevice, deviceLimit } from '../device/admit.ts';
import type { AdmitDeps, Admission } from '../device/admit.ts';
import { listEveryDevice } from '../device/list.ts';
import type { DeviceDescription, DeviceRow } from '../device/store.ts';
import type { KeyBundle } from '../keys/bundle.ts';
import { selectIdentityKey } from '../keys/store.ts';
import type { Digest } from '../platform/digest.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Refused } from './enter.ts';
import { replaceDevice } from './remove-device.ts';
import type { ReplaceDeps, Replacement } from './remove-device.ts';
import { turnAway } from './turn-away.ts';

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

/** The id under which the device enters, and the sessions that ended for it. */
export type Admitted = Extract<Admission, { status: 'admitted' }> & {
  readonly endedSessionIds: readonly string[];
};

/** Every place for a device is taken: the list to choose from. */
export interface DeviceLimited {
  readonly status: 'device_limit';
  readonly devices: readonly DeviceRow[];
}

type Place =
  Admitted | Extract<Admission, { status: 'full' }> | Extract<Replacement, { status: 'refused' }>;

/** A place for the device, or why there is none; the refusal is recorded. @throws DEVICE_LIMIT */
export async function takePlace(
  deps: PlaceDeps & { readonly digest: Digest },
  tx: Tx,
  request: PlaceRequest,
): Promise<Admitted | Refused | DeviceLimited> {
  const { accountId, device, origin } = request;
  const place = await findPlace(deps, tx, request);
  if (place.status === 'admitted') return place;
  const turned = { type: 'session.refused', accountId, deviceId: device.id, origin } as const;
  if (place.status === 'refused') return turnAway(deps, tx, { ...turned, error: place.error });
  await turnAway(deps, tx, { ...turned, error: deviceLimit() });
  return { status: 'device_limit', devices: await listEveryDevice(deps, tx, accountId) };
}

/**
 * A place for the device; the caller holds the account's lock. Another device is removed only where
 * no place is free, and the removal never outlives a sign-in that is refused after it: throwing
 * rolls it back. @throws DEVICE_LIMIT
 */
async function findPlace(deps: PlaceDeps, tx: Tx, request: PlaceRequest): Promise<Place> {
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
