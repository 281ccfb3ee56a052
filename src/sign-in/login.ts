import type { Origin } from '../audit/append.ts';
import { admitDevice, deviceLimit } from '../device/admit.ts';
import type { AdmitDeps, Admission } from '../device/admit.ts';
import { listEveryDevice } from '../device/list.ts';
import type { DeviceRow } from '../device/store.ts';
import { DomainError } from '../errors.ts';
import { selectIdentityKey } from '../keys/store.ts';
import { appendEvent } from '../outbox/append.ts';
import type { E164 } from '../phone/number.ts';
import { provenNumber, spent } from '../phone/proven.ts';
import { forgetRecord } from '../phone/record.ts';
import { consumeVerification } from '../phone/store.ts';
import type { Tx } from '../platform/postgres.ts';
import { mintTokens } from '../session/open.ts';
import type { TokenPair } from '../session/open.ts';
import { announceRevoked } from '../session/revoke.ts';
import type { AnnounceDeps } from '../session/revoke.ts';
import type { SessionRow } from '../session/store.ts';
import { enter, refuse } from './enter.ts';
import type { EnterDeps, EntryRequest, Refused } from './enter.ts';
import { replaceDevice } from './replace-device.ts';
import type { Replacement } from './replace-device.ts';
import { accountNotFound } from './request.ts';
import { lockAccount, recordAuthentication } from './store.ts';
import type { AccountRow } from './store.ts';

export type LoginDeps = EnterDeps & AdmitDeps & AnnounceDeps;

export interface LoginRequest extends EntryRequest {
  /** After DEVICE_LIMIT: the device that makes place. */
  readonly replaceDeviceId: string | undefined;
}

/** Signing in, or the list to choose from when every place for a device is taken. */
export type LoginOutcome =
  | { readonly status: 'signed_in'; readonly tokens: TokenPair }
  | { readonly status: 'device_limit'; readonly devices: readonly DeviceRow[] };

type Decision =
  | Refused
  | { readonly status: 'device_limit'; readonly devices: readonly DeviceRow[] }
  | {
      readonly status: 'opened';
      readonly session: SessionRow;
      readonly endedSessionIds: readonly string[];
    };

type Place =
  | (Extract<Admission, { status: 'admitted' }> & { readonly endedSessionIds: readonly string[] })
  | Extract<Admission, { status: 'full' }>
  | Extract<Replacement, { status: 'refused' }>;

interface Attempt extends LoginRequest {
  readonly phone: E164;
  readonly account: AccountRow;
}

/**
 * Opens a session of an existing account, in one transaction under the account's lock. Every refusal
 * leaves the verification unspent and its audit row committed; one of parallel callers wins.
 * @throws VERIFICATION_UNKNOWN, VERIFICATION_UNCONFIRMED, VERIFICATION_SPENT, ACCOUNT_NOT_FOUND,
 *   ACCOUNT_LOCKED_DOWN, DEVICE_NOT_FOUND, DEVICE_NOT_REPLACEABLE, STORE_UNAVAILABLE
 */
export async function login(deps: LoginDeps, request: LoginRequest): Promise<LoginOutcome> {
  const phone = await provenNumber(deps, request.verificationId, 'login');
  const decision = await deps.db.tx((tx) => decide(deps, tx, { ...request, phone }));
  switch (decision.status) {
    case 'refused':
      throw decision.error;
    case 'device_limit':
      return decision;
    case 'opened':
      await announceRevoked(deps, decision.endedSessionIds);
      await forgetRecord(deps.redis, request.verificationId);
      return { status: 'signed_in', tokens: mintTokens(deps, decision.session) };
    default:
      return decision satisfies never;
  }
}

async function decide(
  deps: LoginDeps,
  tx: Tx,
  request: LoginRequest & { phone: E164 },
): Promise<Decision> {
  const { origin, phone } = request;
  const account = await lockAccount(tx, phone);
  if (!account) return refuse(tx, accountNotFound(), { type: 'session.refused', origin });
  const event = { type: 'session.refused', origin, accountId: account.id } as const;
  if (account.isLockedDown) return refuse(tx, lockedDown(), event);
  const attempt = { ...request, account };
  const place = await findPlace(deps, tx, attempt);
  if (place.status === 'refused') return refuse(tx, place.error, event);
  if (place.status === 'full') {
    await refuse(tx, deviceLimit(), event);
    return { status: 'device_limit', devices: await listEveryDevice(deps, tx, account.id) };
  }
  if (!(await consumeVerification(tx, request.verificationId))) throw spent();
  const session = await open(deps, tx, { ...attempt, ...place });
  return { status: 'opened', session, endedSessionIds: place.endedSessionIds };
}

/**
 * A place for the device. Another one is removed only where none is free, and the removal never
 * outlives a login that is refused after it: throwing rolls it back.
 * @throws DEVICE_LIMIT
 */
async function findPlace(deps: LoginDeps, tx: Tx, attempt: Attempt): Promise<Place> {
  const device = {
    accountId: attempt.account.id,
    requestedId: attempt.device.id,
    hasOtherIdentity: await hasOtherIdentity(tx, attempt),
  };
  const admission = await admitDevice(deps, tx, device);
  if (admission.status === 'admitted') return { ...admission, endedSessionIds: [] };
  const { replaceDeviceId } = attempt;
  if (replaceDeviceId === undefined) return admission;
  const replaced = await replaceDevice(deps, tx, { ...attempt, replaceDeviceId });
  if (replaced.status === 'refused') return replaced;
  const second = await admitDevice(deps, tx, device);
  if (second.status === 'full') throw deviceLimit();
  return { ...second, endedSessionIds: replaced.endedSessionIds };
}

async function open(
  deps: LoginDeps,
  tx: Tx,
  admitted: Attempt & { deviceId: string; wasLiving: boolean },
): Promise<SessionRow> {
  const { account, origin, deviceId } = admitted;
  const { session, isNewDevice } = await enter(deps, tx, {
    ...admitted,
    accountId: account.id,
    device: { ...admitted.device, id: deviceId },
    methods: ['sms'],
  });
  await recordAuthentication(tx, account.id);
  if (isNewDevice) await tellOtherDevices(deps, tx, { accountId: account.id, deviceId, origin });
  return session;
}

async function tellOtherDevices(
  deps: LoginDeps,
  tx: Tx,
  about: { accountId: string; deviceId: string; origin: Origin },
): Promise<void> {
  await appendEvent(tx, {
    kind: 'security',
    id: deps.random.uuid(),
    accountId: about.accountId,
    event: 'NEW_DEVICE',
    deviceId: about.deviceId,
    attributes: { ipPrefix: about.origin.ipPrefix },
  });
}

/** Whether the bundle names another identity than the one that the requested device published. */
async function hasOtherIdentity(tx: Tx, { account, device, bundle }: Attempt): Promise<boolean> {
  if (!bundle) return false;
  const known = await selectIdentityKey(tx, { accountId: account.id, deviceId: device.id });
  return known !== undefined && !known.equals(bundle.identityKey);
}

function lockedDown(): DomainError {
  return new DomainError('ACCOUNT_LOCKED_DOWN', 'This account is locked down.');
}
