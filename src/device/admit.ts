import { DomainError } from '../errors.ts';
import type { ErrorDetail } from '../errors.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import { countLivingDevices } from './store.ts';

export interface AdmitDeps {
  readonly random: Random;
  readonly config: { readonly deviceCap: number; readonly deviceReplaceableSeconds: number };
}

export type Admission =
  | { readonly status: 'admitted'; readonly deviceId: string; readonly wasLiving: boolean }
  | { readonly status: 'full' };

/**
 * Decides under which id a device may sign in; the caller holds the account's lock. An id that has
 * a living session and another identity key belongs to somebody else: the newcomer gets a fresh id
 * and takes nothing over. The cap counts devices with a living session.
 */
export async function admitDevice(
  deps: AdmitDeps,
  tx: Tx,
  device: { accountId: string; requestedId: string; hasOtherIdentity: boolean },
): Promise<Admission> {
  const { count, isLiving } = await countLivingDevices(tx, device.accountId, device.requestedId);
  const isTaken = isLiving && device.hasOtherIdentity;
  const isAddition = !isLiving || isTaken;
  if (isAddition && count >= deps.config.deviceCap) return { status: 'full' };
  const deviceId = isTaken ? deps.random.uuid() : device.requestedId;
  return { status: 'admitted', deviceId, wasLiving: isLiving && !isTaken };
}

/** What the client shows when every place is taken. */
export function deviceLimit(details: readonly ErrorDetail[] = []): DomainError {
  const message = 'This account has reached its limit of devices.';
  return new DomainError('DEVICE_LIMIT', message, { details });
}
