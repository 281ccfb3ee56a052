import type { Origin } from '../audit/append.ts';
import type { Refused } from '../entry/enter.ts';
import { takePlace } from '../entry/place.ts';
import { lockAccountById } from '../entry/store.ts';
import { lockedDown, turnAway } from '../entry/turn-away.ts';
import { bundleFromJson } from '../keys/bundle-json.ts';
import type { Tx } from '../platform/postgres.ts';
import { claimFactor, factorCodeWrong, matchFactor } from '../two-factor/prove.ts';
import type { FactorKind, MatchedFactor, MatchDeps } from '../two-factor/prove.ts';
import { challengeId, challengeInvalid, codeMissing } from './challenge.ts';
import { completeEntry, openSessionAt } from './login.ts';
import type { LoginDeps, LoginOutcome, Opened } from './login.ts';
import {
  endChallenge,
  lockChallenge,
  passChallenge,
  returnTry,
  selectChallenge,
  takeTry,
} from './store-challenge.ts';
import type { ChallengeRow, TriedChallenge } from './store-challenge.ts';

export type AnswerDeps = LoginDeps &
  MatchDeps & { readonly config: { readonly challengeTries: number } };

/** A second factor for a login that waits for it. */
export interface ChallengeAnswer {
  readonly challenge: string;
  /** Empty only when the factor was proven before and a place for the device was missing. */
  readonly code: string;
  readonly kinds: readonly FactorKind[];
  /** After DEVICE_LIMIT: the device that makes place. */
  readonly replaceDeviceId: string | undefined;
  readonly origin: Origin;
}

type Outcome = Exclude<LoginOutcome, { status: 'challenged' }>;
type Decision = Refused | Extract<Outcome, { status: 'device_limit' }> | Opened;

/**
 * Opens the session that a challenge stands for. The try is counted before anything is compared; of
 * parallel right answers one wins. A refusal for want of a place leaves the challenge open and its
 * factor used up and passed, so the repeated call needs no second code.
 * @throws CHALLENGE_INVALID, TWO_FACTOR_CODE_WRONG, TWO_FACTOR_LOCKED, TWO_FACTOR_REFUSING,
 *   TWO_FACTOR_NOT_ENABLED, ACCOUNT_LOCKED_DOWN, DEVICE_NOT_FOUND, DEVICE_NOT_REPLACEABLE,
 *   VALIDATION_FAILED, OVERLOADED, STORE_UNAVAILABLE
 */
export async function answerChallenge(deps: AnswerDeps, answer: ChallengeAnswer): Promise<Outcome> {
  const id = challengeId(answer.challenge);
  const tried = await tryChallenge(deps, id, answer);
  const factor = tried.isPassed ? undefined : await proveFactor(deps, tried, { ...answer, id });
  const { accountId } = tried;
  const decision = await deps.db.tx((tx) => decide(deps, tx, { ...answer, id, accountId, factor }));
  switch (decision.status) {
    case 'refused':
      throw decision.error;
    case 'device_limit':
      return decision;
    case 'opened':
      return { status: 'signed_in', tokens: await completeEntry(deps, decision) };
    default:
      return decision satisfies never;
  }
}

/** Without a code there is nothing to compare, so no try is counted. */
async function tryChallenge(
  deps: AnswerDeps,
  id: Buffer,
  answer: ChallengeAnswer,
): Promise<TriedChallenge> {
  if (answer.code !== '') {
    const tried = await takeTry(deps.db, id, deps.config.challengeTries);
    if (tried) return tried;
    throw challengeInvalid();
  }
  const challenge = await selectChallenge(deps.db, id);
  if (!challenge) throw challengeInvalid();
  if (!challenge.isPassed) throw codeMissing();
  return challenge;
}

/** A miss counts on the account too, and stands in its history. */
async function proveFactor(
  deps: AnswerDeps,
  { accountId, deviceId }: TriedChallenge,
  answer: ChallengeAnswer & { readonly id: Buffer },
): Promise<MatchedFactor> {
  const { origin } = answer;
  const match = await matchFactor(deps, { ...answer, accountId });
  if (match.status === 'matched') return match.factor;
  const { error } = match;
  if (error.reason === 'OVERLOADED') await returnTry(deps.db, answer.id);
  else {
    const turned = { error, type: 'session.refused', accountId, deviceId, origin } as const;
    await deps.db.tx((tx) => turnAway(deps, tx, turned));
  }
  throw error;
}

type Proven = ChallengeAnswer & {
  readonly id: Buffer;
  readonly accountId: string;
  readonly factor: MatchedFactor | undefined;
};

async function decide(deps: AnswerDeps, tx: Tx, proven: Proven): Promise<Decision> {
  const { id, accountId, factor, origin } = proven;
  const account = await lockAccountById(tx, accountId);
  const challenge = await lockChallenge(tx, id);
  // The number may have moved on since it was proven: then the proof is worth nothing.
  if (!account || account.phone !== challenge?.phone) throw challengeInvalid();
  const { device, isPassed } = challenge;
  const turned = { type: 'session.refused', accountId, deviceId: device.id, origin } as const;
  if (account.lockedDownBy) {
    return turnAway(deps, tx, { ...turned, error: lockedDown(account.lockedDownBy) });
  }
  if (!isPassed) {
    if (!factor) throw challengeInvalid();
    if (!(await claimFactor(tx, accountId, factor))) {
      return turnAway(deps, tx, { ...turned, error: factorCodeWrong() });
    }
  }
  const request = placeRequest(proven, challenge);
  const place = await takePlace(deps, tx, request);
  if (place.status !== 'admitted') {
    if (factor) await passChallenge(tx, id, factor.kind);
    return place;
  }
  await endChallenge(tx, id);
  return openSessionAt(deps, tx, { ...request, place, methods: ['sms', 'otp'] });
}

/** The device is the one that the challenge was made for, whoever brings the answer. */
function placeRequest(
  { accountId, replaceDeviceId, origin }: Proven,
  { device, bundle }: ChallengeRow,
) {
  return {
    accountId,
    device,
    bundle: bundle === null ? undefined : bundleFromJson(bundle),
    replaceDeviceId,
    origin,
  };
}
