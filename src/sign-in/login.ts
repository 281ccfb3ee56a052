import { deviceLimit } from '../device/admit.ts';
import { listEveryDevice } from '../device/list.ts';
import type { DeviceRow } from '../device/store.ts';
import { DomainError } from '../errors.ts';
import { enter, refuse, tellOfNewDevice } from '../entry/enter.ts';
import type { EnterDeps, Refused } from '../entry/enter.ts';
import { findPlace } from '../entry/place.ts';
import type { PlaceDeps } from '../entry/place.ts';
import { lockAccount, recordAuthentication } from '../entry/store.ts';
import type { AccountRow } from '../entry/store.ts';
import type { E164 } from '../phone/number.ts';
import { provenNumber, spent } from '../phone/proven.ts';
import { forgetRecord } from '../phone/record.ts';
import { consumeVerification } from '../phone/store.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import { mintTokens } from '../session/open.ts';
import type { TokenPair } from '../session/open.ts';
import { announceRevoked } from '../session/revoke.ts';
import type { AnnounceDeps } from '../session/revoke.ts';
import type { SessionRow } from '../session/store.ts';
import type { TokenDeps } from '../token/access-token.ts';
import type { EntryRequest } from './register.ts';
import { accountNotFound } from './request.ts';

export type LoginDeps = EnterDeps &
  PlaceDeps &
  AnnounceDeps &
  TokenDeps & { readonly db: Database };

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
  if (account.lockedDownBy) return refuse(tx, lockedDown(), event);
  const attempt = { ...request, account };
  const place = await findPlace(deps, tx, { ...attempt, accountId: account.id });
  if (place.status === 'refused') return refuse(tx, place.error, event);
  if (place.status === 'full') {
    await refuse(tx, deviceLimit(), event);
    return { status: 'device_limit', devices: await listEveryDevice(deps, tx, account.id) };
  }
  if (!(await consumeVerification(tx, request.verificationId))) throw spent();
  const session = await open(deps, tx, { ...attempt, ...place });
  return { status: 'opened', session, endedSessionIds: place.endedSessionIds };
}

async function open(
  deps: LoginDeps,
  tx: Tx,
  admitted: Attempt & { deviceId: string; wasLiving: boolean },
): Promise<SessionRow> {
  const { account, deviceId } = admitted;
  const entry = {
    ...admitted,
    accountId: account.id,
    device: { ...admitted.device, id: deviceId },
    isPhoneProven: true,
    start: { methods: ['sms'] },
  };
  const { session, isNewDevice } = await enter(deps, tx, entry);
  await recordAuthentication(tx, account.id);
  if (isNewDevice) await tellOfNewDevice(deps, tx, entry);
  return session;
}

function lockedDown(): DomainError {
  return new DomainError('ACCOUNT_LOCKED_DOWN', 'This account is locked down.');
}
