import { TOTP } from 'otpauth';
import type { Holder } from './holder.ts';
import { fromNewest } from './command.ts';
import { stepOf } from './two-factor-model.ts';
import type { Proof, TwoFactorModel } from './two-factor-model.ts';

/** What the owner's apps and papers hold, and the sessions. */
export interface Real {
  readonly phone: string;
  readonly deviceIds: readonly string[];
  /** As the model's sessions. */
  readonly holders: Holder[];
  /** Every one that was ever shown; the secret that is on, and the one that waits. */
  readonly secrets: string[];
  on: string | undefined;
  pending: string | undefined;
  readonly sets: string[][];
  /** As the model's challenges. */
  readonly challenges: string[];
}

/** What somebody types; distances are counted from the newest. */
export type Wish =
  | { readonly form: 'digits'; readonly secret: number; readonly offset: number }
  | { readonly form: 'paper'; readonly set: number; readonly slot: number }
  | { readonly form: 'wrong digits' | 'wrong paper' };

const STEP_MS = 30_000;

/** A moment near now in the middle of a time step. */
export function middleOfStep(): number {
  return Math.floor(Date.now() / STEP_MS) * STEP_MS + STEP_MS / 2;
}

/** The text, and whose code it is: a wrong one may be right by chance. */
export function typed(
  model: TwoFactorModel,
  real: Real,
  at: { readonly wish: Wish; readonly wallMs: number },
): { text: string; proof: Proof } {
  const { wish, wallMs } = at;
  const codeAt = (secret: string, step: number) =>
    new TOTP({ secret }).generate({ timestamp: wallMs + step * STEP_MS });
  const now = stepOf(model);
  const stepOfCode = (secret: string | undefined, text: string) =>
    [now, now - 1, now + 1, now - 2].find((step) => secret && codeAt(secret, step) === text);
  if (wish.form === 'paper') return fromPaper(real, wish);
  if (wish.form === 'wrong paper') return { text: '0'.repeat(16), proof: { form: 'paper' } };
  const secret = wish.form === 'digits' ? fromNewest(real.secrets, wish.secret) : undefined;
  const offset = wish.form === 'digits' ? wish.offset : 0;
  const text = secret === undefined ? '999999' : codeAt(secret, now + offset);
  const [step, pendingStep] = [stepOfCode(real.on, text), stepOfCode(real.pending, text)];
  return { text, proof: { form: 'digits', step, pendingStep } };
}

function fromPaper(real: Real, { set, slot }: { set: number; slot: number }) {
  const index = real.sets.length - 1 - set;
  const text = real.sets[index]?.[slot];
  // Sets are counted from 1 in the model.
  if (text !== undefined) return { text, proof: { form: 'paper', set: index + 1, slot } as const };
  return { text: '0'.repeat(16), proof: { form: 'paper' } as const };
}
