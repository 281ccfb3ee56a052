import { isHeldBack, openSession } from './session-model.ts';
import type { ModelSession, SessionsModel } from './session-model.ts';

/** Rules of the second factor of one account, as 04-security states them; no store, no clock. */

const STEP_SECONDS = 30;
const PENDING_SECONDS = 600;
const CHALLENGE_SECONDS = 600;
const CHALLENGE_TRIES = 5;
const LOCK_SECONDS = [900, 3_600, 86_400];
export const REFUSING_MISSES = 100;
const CODES = 10;

/** Whose code a text is. */
export interface Proof {
  readonly form: 'digits' | 'paper';
  /** The time step whose code it is, of the secret that is on, and of the one that waits. */
  readonly step?: number | undefined;
  readonly pendingStep?: number | undefined;
  /** The set of backup codes, and the place in it. */
  readonly set?: number | undefined;
  readonly slot?: number | undefined;
}

export type Kind = 'totp' | 'backup_code' | 'either';

interface Challenge {
  readonly device: number;
  readonly endsAt: number;
  tries: number;
  isOver: boolean;
}

export interface TwoFactorModel extends SessionsModel {
  isOn: boolean;
  pendingEndsAt: number | undefined;
  lastStep: number;
  misses: number;
  lockedUntil: number;
  isRefusing: boolean;
  /** How many sets of backup codes there were; which codes of the newest are unused. */
  sets: number;
  unused: boolean[];
  readonly challenges: Challenge[];
  /** What the owner was told, oldest first. */
  readonly told: string[];
}

export function newTwoFactorModel(): TwoFactorModel {
  const model = { ...off(), now: 0, sets: 0, sessions: [], challenges: [], told: [] };
  openSession(model, { account: 0, device: 0 });
  return model;
}

function off() {
  const misses = { misses: 0, lockedUntil: 0, isRefusing: false };
  return { isOn: false, pendingEndsAt: undefined, lastStep: -Infinity, unused: [], ...misses };
}

/** Time begins in the middle of step 0. */
export function stepOf({ now }: SessionsModel): number {
  return Math.floor((now + STEP_SECONDS / 2) / STEP_SECONDS);
}

export function setUp(model: TwoFactorModel, session: ModelSession): string {
  if (isHeldBack(model, session)) return 'STEP_UP_REQUIRED';
  if (model.isOn) return 'TWO_FACTOR_ALREADY_ENABLED';
  if (!isPending(model)) model.told.push('TWO_FACTOR_CHANGED');
  model.pendingEndsAt = model.now + PENDING_SECONDS;
  return 'OK';
}

export function isPending({ now, pendingEndsAt }: TwoFactorModel): boolean {
  return pendingEndsAt !== undefined && now < pendingEndsAt;
}

export function enable(model: TwoFactorModel, session: ModelSession, proof: Proof): string {
  if (isHeldBack(model, session)) return 'STEP_UP_REQUIRED';
  if (model.isOn) return 'TWO_FACTOR_ALREADY_ENABLED';
  if (!isPending(model)) return 'TWO_FACTOR_SETUP_MISSING';
  if (isLocked(model)) return 'TWO_FACTOR_LOCKED';
  countMiss(model);
  const step = proof.pendingStep;
  if (step === undefined || !isNear(model, step)) return 'TWO_FACTOR_CODE_WRONG';
  Object.assign(model, off(), { isOn: true, lastStep: step });
  replaceCodes(model);
  model.told.push('TWO_FACTOR_CHANGED');
  return 'OK';
}

export function disable(model: TwoFactorModel, session: ModelSession, proof: Proof): string {
  const answer = change(model, session, proof);
  if (answer === 'OK') Object.assign(model, off());
  return answer;
}

export function regenerate(model: TwoFactorModel, session: ModelSession, proof: Proof): string {
  const answer = change(model, session, proof);
  if (answer === 'OK') replaceCodes(model);
  return answer;
}

function change(model: TwoFactorModel, session: ModelSession, proof: Proof): string {
  if (isHeldBack(model, session)) return 'STEP_UP_REQUIRED';
  const answer = prove(model, proof, 'either');
  if (answer === 'OK') model.told.push('TWO_FACTOR_CHANGED');
  return answer;
}

function replaceCodes(model: TwoFactorModel): void {
  model.sets += 1;
  model.unused = Array.from({ length: CODES }, () => true);
}

/** Proves the factor again for a session. */
export function stepUp(
  model: TwoFactorModel,
  session: ModelSession,
  given: { readonly proof: Proof; readonly kind: Kind },
): string {
  const answer = prove(model, given.proof, given.kind);
  if (answer === 'OK') session.steppedUpAt = model.now;
  return answer;
}

/** A login with a proven number: a session, or a challenge. */
export function logIn(model: TwoFactorModel, device: number): string {
  if (model.isOn) {
    const endsAt = model.now + CHALLENGE_SECONDS;
    model.challenges.push({ device, endsAt, tries: 0, isOver: false });
    return 'TWO_FACTOR_REQUIRED';
  }
  openSession(model, { account: 0, device });
  return 'OK';
}

export function answerChallenge(
  model: TwoFactorModel,
  index: number,
  given: { readonly proof: Proof; readonly kind: Kind },
): string {
  const challenge = model.challenges[index];
  if (!challenge || challenge.isOver || model.now >= challenge.endsAt) return 'CHALLENGE_INVALID';
  if (challenge.tries >= CHALLENGE_TRIES) return 'CHALLENGE_INVALID';
  challenge.tries += 1;
  const answer = prove(model, given.proof, given.kind);
  if (answer !== 'OK') return answer;
  challenge.isOver = true;
  openSession(model, { account: 0, device: challenge.device });
  return 'OK';
}

/** Counts the try, compares, and uses a right code up. */
function prove(model: TwoFactorModel, proof: Proof, kind: Kind): string {
  if (!model.isOn) return 'TWO_FACTOR_NOT_ENABLED';
  const expected = kind === 'either' ? (proof.form === 'digits' ? 'totp' : 'backup_code') : kind;
  if (expected === 'totp' && model.misses >= REFUSING_MISSES) return 'TWO_FACTOR_REFUSING';
  if (isLocked(model)) return 'TWO_FACTOR_LOCKED';
  countMiss(model);
  if (!(expected === 'totp' ? useStep(model, proof) : useCode(model, proof))) {
    noteRefusal(model);
    return 'TWO_FACTOR_CODE_WRONG';
  }
  endRefusal(model);
  return 'OK';
}

function useStep(model: TwoFactorModel, { form, step }: Proof): boolean {
  if (form !== 'digits' || step === undefined) return false;
  if (!isNear(model, step) || step <= model.lastStep) return false;
  model.lastStep = step;
  return true;
}

function useCode(model: TwoFactorModel, { form, set, slot }: Proof): boolean {
  if (form !== 'paper' || slot === undefined || set !== model.sets) return false;
  const isUnused = model.unused[slot] ?? false;
  if (isUnused) model.unused[slot] = false;
  return isUnused;
}

function isNear(model: TwoFactorModel, step: number): boolean {
  return step === stepOf(model) || step === stepOf(model) - 1;
}

export function isLocked({ now, lockedUntil }: TwoFactorModel): boolean {
  return now < lockedUntil;
}

function countMiss(model: TwoFactorModel): void {
  model.misses += 1;
  if (model.misses % 5 === 0) model.lockedUntil = model.now + lockSeconds(model.misses);
}

/** Every fifth miss in a row takes the next rung of the ladder. */
export function lockSeconds(misses: number): number {
  const rung = Math.min(Math.floor(misses / 5), LOCK_SECONDS.length);
  return LOCK_SECONDS[rung - 1] ?? 0;
}

/** The owner is told once that authenticator codes are refused. */
function noteRefusal(model: TwoFactorModel): void {
  if (model.misses < REFUSING_MISSES || model.isRefusing) return;
  model.isRefusing = true;
  model.told.push('TWO_FACTOR_REFUSING');
}

/** By a proof, or by an older session that vouches for a younger one. */
export function endRefusal(model: TwoFactorModel): void {
  Object.assign(model, { misses: 0, lockedUntil: 0, isRefusing: false });
}
