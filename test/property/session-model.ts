import { pick } from './command.ts';

/** Life and seniority of sessions, as 04-security states them; no store, no clock. */

const JUNIOR_SECONDS = 86_400;
const STEP_UP_SECONDS = 300;
const IDLE_SECONDS = 30 * 86_400;

export interface ModelSession {
  /** Its place among all sessions, oldest first. */
  readonly index: number;
  /** Names of its account and device. */
  readonly account: number;
  readonly device: number;
  readonly openedAt: number;
  steppedUpAt: number | undefined;
  idleEndsAt: number;
  isRevoked: boolean;
}

export interface SessionsModel {
  now: number;
  /** Oldest first. */
  readonly sessions: ModelSession[];
}

export function openSession(
  model: SessionsModel,
  owner: { readonly account: number; readonly device: number },
): ModelSession {
  const session = {
    ...owner,
    index: model.sessions.length,
    openedAt: model.now,
    steppedUpAt: undefined,
    idleEndsAt: model.now + IDLE_SECONDS,
    isRevoked: false,
  };
  model.sessions.push(session);
  return session;
}

export function isLiving({ now }: SessionsModel, session: ModelSession): boolean {
  return !session.isRevoked && now < session.idleEndsAt;
}

/** Somebody who is signed in, if anybody is; negative numbers name anybody. */
export function actorOf(model: SessionsModel, number: number): ModelSession {
  const living = model.sessions.filter((session) => isLiving(model, session));
  const isAnybody = number < 0 || living.length === 0;
  return pick(isAnybody ? model.sessions : living, Math.abs(number));
}

export function touch({ now }: SessionsModel, session: ModelSession): void {
  session.idleEndsAt = now + IDLE_SECONDS;
}

/** Younger than a day, and not stepped up in the last five minutes. */
export function isJunior({ now }: SessionsModel, session: ModelSession): boolean {
  const { openedAt, steppedUpAt } = session;
  const isSteppedUp = steppedUpAt !== undefined && now - steppedUpAt < STEP_UP_SECONDS;
  return now - openedAt < JUNIOR_SECONDS && !isSteppedUp;
}

/** Junior, while an older session of the account lives. */
export function isHeldBack(model: SessionsModel, session: ModelSession): boolean {
  return isJunior(model, session) && model.sessions.some((other) => isElder(model, other, session));
}

/** A living session of the same account that was opened before. */
export function isElder(model: SessionsModel, other: ModelSession, session: ModelSession): boolean {
  const isOlder = other.account === session.account && other.index < session.index;
  return isOlder && isLiving(model, other);
}

export type LiftAnswer = 'OK' | 'SIGNED_OUT' | 'SESSION_NOT_FOUND' | 'STEP_UP_NOT_ALLOWED';

/** An older session vouches for a younger one. */
export function lift(model: SessionsModel, senior: ModelSession, junior: ModelSession): LiftAnswer {
  if (!isLiving(model, senior)) return 'SIGNED_OUT';
  if (junior.account !== senior.account || !isLiving(model, junior)) return 'SESSION_NOT_FOUND';
  if (!isElder(model, senior, junior) || isHeldBack(model, senior)) return 'STEP_UP_NOT_ALLOWED';
  junior.steppedUpAt = model.now;
  return 'OK';
}
