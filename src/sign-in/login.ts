import { enter, refuse, tellOfNewDevice } from '../entry/enter.ts';
import type { EnterDeps, Refused } from '../entry/enter.ts';
import { takePlace } from '../entry/place.ts';
import type { Admitted, DeviceLimited, PlaceDeps, PlaceRequest } from '../entry/place.ts';
import { isDormant, lockAccount, recordAuthentication } from '../entry/store.ts';
import { accountNotFound, lockedDown, turnAway } from '../entry/turn-away.ts';
import { readProof, requireLiving, spend } from '../phone/proven.ts';
import { forgetRecord } from '../phone/record.ts';
import type { Proof } from '../phone/store-proof.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import { mintTokens } from '../session/open.ts';
import type { TokenPair } from '../session/open.ts';
import { announceRevoked } from '../session/revoke.ts';
import type { AnnounceDeps } from '../session/revoke.ts';
import type { SessionRow } from '../session/store.ts';
import type { TokenDeps } from '../token/access-token.ts';
import { startChallenge } from './challenge.ts';
import type { Challenge, ChallengeDeps } from './challenge.ts';
import { reopenAccount } from './dormant.ts';
import type { DormantDeps } from './dormant.ts';
import type { EntryRequest } from './register.ts';

export type LoginDeps = EnterDeps &
  PlaceDeps &
  AnnounceDeps &
  TokenDeps &
  ChallengeDeps &
  DormantDeps & { readonly db: Database };

export interface LoginRequest extends EntryRequest {
  /** After DEVICE_LIMIT: the device that makes place. */
  readonly replaceDeviceId: string | undefined;
}

/** Signed in, or what is missing for it. */
export type LoginOutcome =
  | { readonly status: 'signed_in'; readonly tokens: TokenPair }
  | { readonly status: 'challenged'; readonly challenge: Challenge }
  | DeviceLimited;

/** A session that opens with COMMIT, and those that it ends. */
export interface Opened {
  readonly status: 'opened';
  readonly session: SessionRow;
  readonly endedSessionIds: readonly string[];
}

type Decision = Refused | Exclude<LoginOutcome, { status: 'signed_in' }> | Opened;

/**
 * Opens a session of an existing account, in one transaction under the account's lock. Every refusal
 * leaves the verification unspent and its audit row committed; one of parallel callers wins. With a
 * second factor the verification buys a challenge instead, and nothing of the account is shown.
 * @throws VERIFICATION_UNKNOWN, VERIFICATION_UNCONFIRMED, VERIFICATION_SPENT, ACCOUNT_NOT_FOUND,
 *   ACCOUNT_LOCKED_DOWN, DEVICE_NOT_FOUND, DEVICE_NOT_REPLACEABLE, STORE_UNAVAILABLE
 */
export async function login(deps: LoginDeps, request: LoginRequest): Promise<LoginOutcome> {
  const { verificationId } = request;
  const proof = await readProof(deps, { verificationId, purpose: 'login' });
  const decision = await deps.db.tx((tx) => decide(deps, tx, { ...request, proof }));
  switch (decision.status) {
    case 'refused':
      throw decision.error;
    case 'device_limit':
      return decision;
    case 'challenged':
      await forgetRecord(deps.redis, verificationId);
      return decision;
    case 'opened':
      await forgetRecord(deps.redis, verificationId);
      return { status: 'signed_in', tokens: await completeEntry(deps, decision) };
    default:
      return decision satisfies never;
  }
}

async function decide(
  deps: LoginDeps,
  tx: Tx,
  request: LoginRequest & { proof: Proof },
): Promise<Decision> {
  const { origin, proof, device } = request;
  const event = { type: 'session.refused', origin, deviceId: device.id } as const;
  const account = await lockAccount(tx, proof.phone);
  await requireLiving(tx, proof);
  if (!account) return refuse(tx, accountNotFound(), event);
  const attempt = { ...request, phone: proof.phone, accountId: account.id };
  if (account.lockedDownBy) {
    const error = lockedDown(account.lockedDownBy);
    return turnAway(deps, tx, { ...event, accountId: account.id, error });
  }
  if (account.hasSecondFactor) {
    await spend(tx, proof);
    return { status: 'challenged', challenge: await startChallenge(deps, tx, attempt) };
  }
  const wasDormant = await isDormant(tx, account.id, deps.config.dormantSeconds);
  const place = await takePlace(deps, tx, attempt);
  if (place.status !== 'admitted') return place;
  await spend(tx, proof);
  if (wasDormant) await reopenAccount(deps, tx, attempt);
  return openSessionAt(deps, tx, { ...attempt, place, methods: ['sms'] });
}

/** The session of somebody who proved all that the account asks for. */
export async function openSessionAt(
  deps: EnterDeps,
  tx: Tx,
  entrant: PlaceRequest & { readonly place: Admitted; readonly methods: readonly string[] },
): Promise<Opened> {
  const { accountId, place, methods } = entrant;
  const entry = {
    ...entrant,
    device: { ...entrant.device, id: place.deviceId },
    wasLiving: place.wasLiving,
    isPhoneProven: true,
    start: { methods },
  };
  const { session, isNewDevice } = await enter(deps, tx, entry);
  await recordAuthentication(tx, accountId);
  // Ids of devices can be read by others: a second session under one is as much news to the owner.
  if (isNewDevice || place.wasLiving) await tellOfNewDevice(deps, tx, entry);
  return { status: 'opened', session, endedSessionIds: place.endedSessionIds };
}

/** After COMMIT: the word about ended sessions, and the tokens of the new one. */
export async function completeEntry(
  deps: AnnounceDeps & TokenDeps,
  opened: Opened,
): Promise<TokenPair> {
  await announceRevoked(deps, opened.endedSessionIds);
  return mintTokens(deps, opened.session);
}
