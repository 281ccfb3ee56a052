import { appendAudit } from '../audit/append.ts';
import type { AuditEvent, Origin } from '../audit/append.ts';
import { upsertDevice } from '../device/store.ts';
import type { DeviceDescription } from '../device/store.ts';
import type { DomainError } from '../errors.ts';
import type { KeyBundle } from '../keys/bundle.ts';
import { publishFirst } from '../keys/publish.ts';
import { eraseEndedKeys } from '../keys/store.ts';
import { appendEvent } from '../outbox/append.ts';
import { addressKeyOf } from '../phone/limits.ts';
import type { Digest } from '../platform/digest.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import { openSession } from '../session/open.ts';
import type { OpenDeps, SessionStart } from '../session/open.ts';
import type { SessionRow } from '../session/store.ts';
import { insertLoginSuccess } from './store-history.ts';

export type EnterDeps = OpenDeps & { readonly digest: Digest };

/** What a refusal that left its audit row behind: to be thrown after COMMIT. */
export interface Refused {
  readonly status: 'refused';
  readonly error: DomainError;
}

/** A device that was admitted, and how its session starts. */
export interface Entry {
  readonly accountId: string;
  /** With the id under which it was admitted. */
  readonly device: DeviceDescription;
  readonly bundle: KeyBundle | undefined;
  readonly origin: Origin;
  /** The device has a living session already: its keys stay. */
  readonly wasLiving: boolean;
  /** The phone number was proven on this device. */
  readonly isPhoneProven: boolean;
  readonly start: SessionStart;
}

export type Entered = { readonly session: SessionRow; readonly isNewDevice: boolean };

/** Device, session, keys, history and audit of somebody who may enter, in the caller's transaction. */
export async function enter(deps: EnterDeps, tx: Tx, entry: Entry): Promise<Entered> {
  const { accountId, device, origin, isPhoneProven } = entry;
  const { isNew } = await upsertDevice(tx, accountId, { ...device, isVerified: isPhoneProven });
  if (!isNew && !entry.wasLiving) await eraseEndedKeys(tx, accountId, [device.id]);
  const session = await openSession(deps, tx, {
    accountId,
    deviceId: device.id,
    ipPrefix: origin.ipPrefix,
    start: entry.start,
  });
  const about = {
    actor: 'account',
    origin,
    accountId,
    deviceId: device.id,
    sessionId: session.id,
  } as const;
  const isStored = entry.bundle !== undefined && (await storeBundle(tx, entry, entry.bundle));
  if (isStored)
    await appendAudit(tx, { ...about, type: 'keys.published', details: keyDetails(entry.bundle) });
  if (isNew) await appendAudit(tx, { ...about, type: 'device.added' });
  await appendAudit(tx, { ...about, type: 'session.opened' });
  const addressKey = addressKeyOf(deps.digest, origin.addressUnit);
  await insertLoginSuccess(tx, { accountId, deviceId: device.id, origin, addressKey });
  return { session, isNewDevice: isNew };
}

/** Tells the account's other devices of a new one. */
export async function tellOfNewDevice(
  deps: { readonly random: Random },
  tx: Tx,
  { accountId, device, origin }: Pick<Entry, 'accountId' | 'device' | 'origin'>,
): Promise<void> {
  await appendEvent(tx, {
    kind: 'security',
    id: deps.random.uuid(),
    accountId,
    event: 'NEW_DEVICE',
    deviceId: device.id,
    attributes: { ipPrefix: origin.ipPrefix },
  });
}

/** Records why somebody was turned away; what they proved stays unspent. */
export async function refuse(
  tx: Tx,
  error: DomainError,
  event: Pick<AuditEvent, 'type' | 'origin' | 'accountId' | 'deviceId'>,
): Promise<Refused> {
  await appendAudit(tx, { ...event, actor: 'anonymous', refusal: error.reason });
  return { status: 'refused', error };
}

function storeBundle(tx: Tx, entry: Entry, bundle: KeyBundle): Promise<boolean> {
  return publishFirst(tx, { accountId: entry.accountId, deviceId: entry.device.id }, bundle);
}

function keyDetails(bundle: KeyBundle | undefined): Record<string, number | boolean> {
  if (!bundle) return {};
  const { preKeys, kemPreKeys, isLegacyEncoding } = bundle;
  return { oneTime: preKeys.length, kem: kemPreKeys.length, isLegacyEncoding };
}
