/** Rules of phone verification for one number, as 04-security states them; no store, no clock. */

export type Purpose = 'register' | 'login';
export const CODE_SECONDS = 300;
export const RECORD_SECONDS = 900;
export const CHECKS = 5;
const COOLDOWN_SECONDS = [30, 60, 120, 300];

/** A code that was sent, with the checks that were spent on it. */
interface Code {
  readonly index: number;
  readonly expiresAt: number;
  readonly send: Send;
  checks: number;
}

interface Send {
  readonly address: number;
  readonly at: number;
  isVerified: boolean;
}

interface Verification {
  readonly purpose: Purpose;
  readonly address: number;
  readonly endsAt: number;
  code: Code;
  state: 'open' | 'confirmed' | 'ended' | 'spent';
}

export interface OtpModel {
  now: number;
  readonly verifications: Verification[];
  readonly sends: Send[];
}

export function newOtpModel(): OtpModel {
  return { now: 0, verifications: [], sends: [] };
}

/** The answer to a request: a new verification, or the cool-down. */
export function request(model: OtpModel, purpose: Purpose, address: number): 'OK' | 'RATE_LIMITED' {
  const mine = model.sends.filter((send) => send.address === address);
  const streak = mine.length - 1 - mine.findLastIndex(({ isVerified }) => isVerified);
  const last = mine.at(-1);
  if (streak > 0 && last) {
    const pause = COOLDOWN_SECONDS[Math.min(streak, COOLDOWN_SECONDS.length) - 1] ?? 0;
    if (model.now < last.at + pause) return 'RATE_LIMITED';
  }
  const send = { address, at: model.now, isVerified: false };
  model.sends.push(send);
  model.verifications.push({
    purpose,
    address,
    endsAt: model.now + RECORD_SECONDS,
    code: {
      index: model.verifications.length,
      expiresAt: model.now + CODE_SECONDS,
      send,
      checks: 0,
    },
    state: 'open',
  });
  return 'OK';
}

export type CheckAnswer =
  'OK' | 'CODE_WRONG' | 'CODE_EXPIRED' | 'CODE_ATTEMPTS_EXCEEDED' | 'VERIFICATION_UNKNOWN';

/** One check of the code that `codeIndex` names (none: a wrong one) under verification `index`. */
export function check(
  model: OtpModel,
  guess: { index: number; purpose: Purpose; codeIndex: number | undefined },
): CheckAnswer {
  const verification = living(model, guess.index);
  if (verification?.purpose !== guess.purpose) return 'VERIFICATION_UNKNOWN';
  const code = acceptedCode(model, verification);
  if (model.now >= code.expiresAt) return 'CODE_EXPIRED';
  if (code.checks >= CHECKS) return 'CODE_ATTEMPTS_EXCEEDED';
  code.checks += 1;
  if (guess.codeIndex !== code.index) return 'CODE_WRONG';
  confirm(model, verification, code);
  return 'OK';
}

/** Only the presented id is proven, and every other id of number and purpose ends. */
function confirm(model: OtpModel, verification: Verification, code: Code): void {
  code.send.isVerified = true;
  if (verification.state === 'confirmed') return;
  verification.state = 'confirmed';
  verification.code = { ...code };
  for (const other of model.verifications) {
    if (other === verification || other.purpose !== verification.purpose) continue;
    if (other.state !== 'spent') other.state = 'ended';
  }
}

export type ConsumeAnswer =
  'OK' | 'VERIFICATION_SPENT' | 'VERIFICATION_UNCONFIRMED' | 'VERIFICATION_UNKNOWN';

/** A login with verification `index`, of an account that exists. */
export function consume(model: OtpModel, index: number): ConsumeAnswer {
  const asked = model.verifications[index];
  if (asked?.state === 'spent') return 'VERIFICATION_SPENT';
  const verification = living(model, index);
  if (verification?.purpose !== 'login') return 'VERIFICATION_UNKNOWN';
  if (verification.state === 'open') return 'VERIFICATION_UNCONFIRMED';
  verification.state = 'spent';
  return 'OK';
}

/** The newest code that was requested from the same address; a proven id keeps the code that proved it. */
function acceptedCode(model: OtpModel, verification: Verification): Code {
  if (verification.state === 'confirmed') return verification.code;
  const { purpose, address } = verification;
  const newest = model.verifications.findLast(
    (other) => other.purpose === purpose && other.address === address && other.state === 'open',
  );
  return newest?.code ?? verification.code;
}

/** What Redis still knows of a verification. */
export function living(model: OtpModel, index: number): Verification | undefined {
  const verification = model.verifications[index];
  if (!verification || model.now >= verification.endsAt) return undefined;
  return verification.state === 'open' || verification.state === 'confirmed'
    ? verification
    : undefined;
}
