import type fc from 'fast-check';
import type { Settled } from '../support/client.ts';

type Run<Model, Real> = (model: Model, real: Real) => Promise<void>;

/** Makes commands that anybody may try at any time; `compare` looks at the state after each. */
export function commandsWith<Model extends object, Real>(compare: Run<Model, Real>) {
  return (name: string, run: Run<Model, Real>): fc.AsyncCommand<Model, Real> => ({
    check: () => true,
    run: async (model, real) => {
      await run(model, real);
      await compare(model, real);
    },
    toString: () => name,
  });
}

/** A bearer whose session has ended is turned away, by whichever of two reasons is seen first. */
export const SIGNED_OUT = 'SIGNED_OUT';

/** The answer's name, as models give it. */
export function answerOf(outcome: Settled<unknown>): string {
  if (outcome.status === 'ok') return 'OK';
  const { reason } = outcome.refusal;
  return reason === 'SESSION_REVOKED' || reason === 'TOKEN_EXPIRED' ? SIGNED_OUT : reason;
}

/** The one of `items` that a distance from the newest names. */
export function fromNewest<T>(items: readonly T[], distance: number): T | undefined {
  return items[items.length - 1 - distance];
}

/** The one of `items` that any number names. */
export function pick<T>(items: readonly T[], number: number): T {
  const item = items[number % items.length];
  if (item === undefined) throw new Error('There is nothing to pick from');
  return item;
}
