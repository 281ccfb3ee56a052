/** Rules of refresh tokens for one session, as 04-security states them; no store, no clock. */

export const GRACE_SECONDS = 30;
export const LATE_SECONDS = 86_400;
export const LATE_MAX = 3;
export const LATE_WINDOW_SECONDS = 30 * 86_400;
export const IDLE_SECONDS = 30 * 86_400;
export const ABSOLUTE_SECONDS = 180 * 86_400;

/** A token that was handed out. */
export interface Token {
  readonly counter: number;
  readonly expiresAt: number;
}

export interface RefreshModel {
  now: number;
  /** Counter of the newest token, as the session knows it. */
  counter: number;
  rotatedAt: number;
  idleEndsAt: number;
  late: number[];
  isRevoked: boolean;
  /** In the order in which they were handed out. */
  readonly tokens: Token[];
}

export function newRefreshModel(): RefreshModel {
  return {
    now: 0,
    counter: 0,
    rotatedAt: 0,
    idleEndsAt: IDLE_SECONDS,
    late: [],
    isRevoked: false,
    tokens: [{ counter: 0, expiresAt: IDLE_SECONDS }],
  };
}

export type RefreshAnswer =
  | { readonly status: 'OK'; readonly counter: number }
  | { readonly status: 'TOKEN_EXPIRED' | 'SESSION_REVOKED' | 'REFRESH_REUSED' };

/** What becomes of one presentation of a token. */
export function present(model: RefreshModel, token: Token): RefreshAnswer {
  if (model.now >= token.expiresAt) return { status: 'TOKEN_EXPIRED' };
  if (model.isRevoked) return { status: 'SESSION_REVOKED' };
  if (model.now >= model.idleEndsAt) return { status: 'TOKEN_EXPIRED' };
  if (token.counter >= model.counter) return rotate(model, token);
  if (token.counter === model.counter - 1 && isRepeated(model)) return answer(model);
  if (token.counter === model.counter - 1 && mayBeLate(model)) {
    model.late.push(model.now);
    return answer(model);
  }
  model.isRevoked = true;
  return { status: 'REFRESH_REUSED' };
}

/** The newest token, or one that a restored database has forgotten. */
function rotate(model: RefreshModel, token: Token): RefreshAnswer {
  model.counter = token.counter + 1;
  model.rotatedAt = model.now;
  model.idleEndsAt = Math.min(model.now + IDLE_SECONDS, ABSOLUTE_SECONDS);
  return answer(model);
}

/** Within the grace of the rotation, or of an answer to a late predecessor. */
function isRepeated(model: RefreshModel): boolean {
  const since = Math.max(model.rotatedAt, ...model.late);
  return model.now - since < GRACE_SECONDS;
}

function mayBeLate(model: RefreshModel): boolean {
  return recentLate(model) < LATE_MAX && model.now - model.rotatedAt < LATE_SECONDS;
}

export function recentLate({ late, now }: RefreshModel): number {
  return late.filter((at) => now - at < LATE_WINDOW_SECONDS).length;
}

function answer(model: RefreshModel): RefreshAnswer {
  const { counter, idleEndsAt } = model;
  if (!model.tokens.some((token) => token.counter === counter && token.expiresAt === idleEndsAt)) {
    model.tokens.push({ counter, expiresAt: idleEndsAt });
  }
  return { status: 'OK', counter };
}
