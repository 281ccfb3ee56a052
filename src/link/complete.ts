import { appendAudit } from '../audit/append.ts';
import type { Origin } from '../audit/append.ts';
import { enter, tellOfNewDevice } from '../entry/enter.ts';
import type { EnterDeps, Refused } from '../entry/enter.ts';
import { takePlace } from '../entry/place.ts';
import type { Admitted, DeviceLimited, PlaceDeps } from '../entry/place.ts';
import { lockAccountById } from '../entry/store.ts';
import { lockedDown, turnAway } from '../entry/turn-away.ts';
import type { KeyBundle } from '../keys/bundle.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import { RedisUnavailable } from '../platform/redis.ts';
import { sessionRevoked } from '../session/authenticate.ts';
import { mintTokens } from '../session/open.ts';
import type { TokenPair } from '../session/open.ts';
import { announceRevoked } from '../session/revoke.ts';
import type { AnnounceDeps } from '../session/revoke.ts';
import { isSessionLiving } from '../session/store.ts';
import type { SessionRow } from '../session/store.ts';
import type { TokenDeps } from '../token/access-token.ts';
import { requireCollector } from './proof.ts';
import { linkNotFound, markCompleted, readChallenge, startCollecting } from './record.ts';
import type { Challenge, RecordDeps } from './record.ts';
import { insertCompleted } from './store.ts';

export type CompleteDeps = RecordDeps &
  EnterDeps &
  PlaceDeps &
  AnnounceDeps &
  TokenDeps & { readonly db: Database };

export interface CompleteRequest {
  readonly challengeId: string;
  readonly signature: Uint8Array;
  readonly bundle: KeyBundle | undefined;
  /** After DEVICE_LIMIT: the device that makes place. */
  readonly replaceDeviceId: string | undefined;
  readonly origin: Origin;
}

export type CompleteOutcome =
  { readonly status: 'completed'; readonly tokens: TokenPair } | DeviceLimited;

interface Opened {
  readonly status: 'opened';
  readonly session: SessionRow;
  readonly endedSessionIds: readonly string[];
}

/**
 * Hands the approved device its tokens, once: a row that COMMITs with the session says so, whatever
 * becomes of Redis. Refusals keep the approval. An answer that is lost after COMMIT is lost for good:
 * whoever could ask for it again could collect the tokens of somebody else, so the device starts
 * over, under its own id and therefore in the place that it has taken.
 * @throws LINK_NOT_FOUND, LINK_STATE_WRONG, LINK_PROOF_INVALID, ACCOUNT_LOCKED_DOWN,
 *   SESSION_REVOKED, DEVICE_NOT_FOUND, DEVICE_NOT_REPLACEABLE, STORE_UNAVAILABLE
 */
export async function completeLink(
  deps: CompleteDeps,
  request: CompleteRequest,
): Promise<CompleteOutcome> {
  const { challengeId } = request;
  const challenge = await readChallenge(deps, challengeId);
  requireCollector(challenge.key, challengeId, request.signature);
  // A second scan kills the challenge before this, or not at all.
  await startCollecting(deps, challengeId);
  const outcome = await deps.db.tx((tx) => decide(deps, tx, { ...request, challenge }));
  switch (outcome.status) {
    case 'refused':
      throw outcome.error;
    case 'device_limit':
      return outcome;
    case 'opened':
      await rememberCompleted(deps, challengeId);
      await announceRevoked(deps, outcome.endedSessionIds);
      return { status: 'completed', tokens: mintTokens(deps, outcome.session) };
    default:
      return outcome satisfies never;
  }
}

type Attempt = CompleteRequest & { readonly challenge: Challenge };

async function decide(
  deps: CompleteDeps,
  tx: Tx,
  attempt: Attempt,
): Promise<Refused | DeviceLimited | Opened> {
  const { challenge, origin } = attempt;
  const { accountId, device } = challenge;
  const account = await lockAccountById(tx, accountId);
  if (!account) throw sessionRevoked();
  const turned = { type: 'session.refused', accountId, deviceId: device.id, origin } as const;
  if (account.lockedDownBy) {
    return turnAway(deps, tx, { ...turned, error: lockedDown(account.lockedDownBy) });
  }
  if (!(await isSessionLiving(tx, challenge.sessionId))) {
    return turnAway(deps, tx, { ...turned, error: sessionRevoked() });
  }
  const place = await takePlace(deps, tx, { ...attempt, accountId, device });
  if (place.status !== 'admitted') return place;
  if (!(await insertCompleted(tx, attempt.challengeId))) throw linkNotFound();
  return open(deps, tx, { ...attempt, place });
}

/** @throws SESSION_REVOKED when the approver's session ended just now */
async function open(
  deps: CompleteDeps,
  tx: Tx,
  { challenge, bundle, origin, place }: Attempt & { readonly place: Admitted },
): Promise<Opened> {
  const { accountId } = challenge;
  const entry = {
    accountId,
    device: { ...challenge.device, id: place.deviceId },
    bundle,
    origin,
    wasLiving: place.wasLiving,
    isPhoneProven: false,
    start: { inheritsFrom: challenge.sessionId },
  };
  const { session } = await enter(deps, tx, entry);
  await appendAudit(tx, {
    type: 'link.completed',
    actor: 'account',
    origin,
    accountId,
    deviceId: session.deviceId,
    sessionId: session.id,
    details: { approvedBy: challenge.sessionId },
  });
  // A known id is no reason for silence: ids of devices can be read by others.
  await tellOfNewDevice(deps, tx, entry);
  return { status: 'opened', session, endedSessionIds: place.endedSessionIds };
}

/** For those who watch; the row is what keeps the tokens from being collected again. */
async function rememberCompleted(deps: RecordDeps, challengeId: string): Promise<void> {
  try {
    await markCompleted(deps, challengeId);
  } catch (error) {
    if (!(error instanceof RedisUnavailable)) throw error;
  }
}
