import { appendAudit } from '../audit/append.ts';
import type { AuditEvent, Origin } from '../audit/append.ts';
import { upsertDevice } from '../device/store.ts';
import type { DeviceDescription } from '../device/store.ts';
import type { DomainError } from '../errors.ts';
import type { KeyBundle } from '../keys/bundle.ts';
import { publishFirst } from '../keys/publish.ts';
import { eraseEndedKeys } from '../keys/store.ts';
import { attemptKey } from '../phone/limits.ts';
import type { E164 } from '../phone/number.ts';
import type { Clock } from '../platform/clock.ts';
import type { Digest } from '../platform/digest.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import type { RedisStore } from '../platform/redis.ts';
import { openSession } from '../session/open.ts';
import type { OpenDeps } from '../session/open.ts';
import type { SessionRow } from '../session/store.ts';
import type { TokenDeps } from '../token/access-token.ts';
import { insertLoginSuccess } from './store.ts';

export type EnterDeps = TokenDeps &
  OpenDeps & {
    readonly db: Database;
    readonly redis: RedisStore;
    readonly clock: Clock;
    readonly digest: Digest;
  };

/** What registering and logging in have in common. */
export interface EntryRequest {
  readonly verificationId: string;
  readonly device: DeviceDescription;
  readonly bundle: KeyBundle | undefined;
  readonly origin: Origin;
}

/** A refusal that left its audit row behind, to be thrown after COMMIT. */
export interface Refused {
  readonly status: 'refused';
  readonly error: DomainError;
}

interface Entry extends EntryRequest {
  readonly accountId: string;
  readonly phone: E164;
  /** The device has a living session already: its keys stay. */
  readonly wasLiving: boolean;
  readonly methods: readonly string[];
}

export type Entered = { readonly session: SessionRow; readonly isNewDevice: boolean };

/** Device, session, keys, history and audit of a person who proved a number, in the caller's transaction. */
export async function enter(deps: EnterDeps, tx: Tx, entry: Entry): Promise<Entered> {
  const { accountId, device, origin } = entry;
  const { isNew } = await upsertDevice(tx, accountId, device);
  if (!isNew && !entry.wasLiving) await eraseEndedKeys(tx, accountId, [device.id]);
  const session = await openSession(deps, tx, {
    accountId,
    deviceId: device.id,
    methods: entry.methods,
    ipPrefix: origin.ipPrefix,
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
  const { addressKey } = attemptKey(deps.digest, entry.phone, origin.addressUnit);
  await insertLoginSuccess(tx, { accountId, deviceId: device.id, origin, addressKey });
  return { session, isNewDevice: isNew };
}

/** Records why somebody with a proven number was turned away; the verification stays unspent. */
export async function refuse(
  tx: Tx,
  error: DomainError,
  event: Pick<AuditEvent, 'type' | 'origin' | 'accountId'>,
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
