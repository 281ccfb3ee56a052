import { expect } from '@jest/globals';
import { toldTo } from '../support/account.ts';
import { bearerOf } from './holder.ts';
import { pick } from './command.ts';
import type { Real } from './two-factor-codes.ts';
import { isLocked, isPending, lockSeconds, REFUSING_MISSES } from './two-factor-model.ts';
import type { TwoFactorModel } from './two-factor-model.ts';
import type { World } from './world.ts';

interface Stored {
  readonly isOn: boolean;
  readonly isPending: boolean;
  readonly misses: number;
  readonly isLocked: boolean;
  readonly isRefusing: boolean;
  /** 0 before the first one. */
  readonly lastStep: number;
}

const NOTHING_STORED: Stored = {
  isOn: false,
  isPending: false,
  misses: 0,
  isLocked: false,
  isRefusing: false,
  lastStep: 0,
};

/**
 * One caller: the model's answer. Several with one code: what the model says when they come one by
 * one; but where one of them is right, who came before it and after it is not known.
 */
export async function expectAnswers(
  { world, model }: { readonly world: World; readonly model: TwoFactorModel },
  answers: readonly string[],
  next: () => string,
): Promise<void> {
  const first = next();
  if (answers.length === 1) {
    expect(answers).toEqual([first]);
    return;
  }
  if (first !== 'OK') {
    const expected = [first, ...answers.slice(1).map(next)];
    expect(answers.map(untold).sort()).toEqual(expected.map(untold).sort());
    return;
  }
  expect(answers.filter((answer) => answer === 'OK')).toHaveLength(1);
  const losing = ['OK', 'TWO_FACTOR_CODE_WRONG', 'TWO_FACTOR_LOCKED', 'CHALLENGE_INVALID'];
  expect(losing).toEqual(expect.arrayContaining([...answers]));
  const { misses, isLocked: isLockedNow } = await stored(world);
  expect(misses).toBeLessThan(answers.length);
  const lockedUntil = isLockedNow ? model.now + lockSeconds(misses) : 0;
  Object.assign(model, { misses, lockedUntil });
}

/** Of parallel callers, some are refused before the owner is told why. */
function untold(answer: string): string {
  return answer === 'TWO_FACTOR_REFUSING' ? 'TWO_FACTOR_LOCKED' : answer;
}

/** What the stores and the service say must be what the model says, after every command. */
export async function expectSameState(
  world: World,
  model: TwoFactorModel,
  { real, wallMs }: { readonly real: Real; readonly wallMs: number },
): Promise<void> {
  const { isOn, misses, isRefusing, lastStep, unused } = model;
  const firstStep = Math.floor(wallMs / 30_000);
  expect(await stored(world)).toEqual({
    isOn,
    isPending: isPending(model),
    misses,
    isLocked: isLocked(model),
    isRefusing,
    lastStep: lastStep === -Infinity ? 0 : firstStep + lastStep,
  });
  expect(await entriesOf(world)).toEqual({
    unused: unused.length === 0 ? null : unused,
    sessions: model.sessions.length,
    challenges: model.challenges
      .filter(({ endsAt }) => model.now < endsAt)
      .map(({ tries, isOver }) => (isOver ? 'over' : String(tries))),
  });
  const holder = pick(real.holders, 0);
  const status = await world.app.clients.auth.getTwoFactorStatus({}, await bearerOf(world, holder));
  expect(status).toMatchObject({ enabled: isOn, refusing: misses >= REFUSING_MISSES });
  const told = await toldTo(world.app, holder.userId);
  expect(told.filter((event) => event !== 'NEW_DEVICE')).toEqual(model.told);
}

async function stored({ app }: World): Promise<Stored> {
  const [row] = await app.sql<Stored>(
    `SELECT secret_id IS NOT NULL AS "isOn", misses, last_step::int AS "lastStep",
            coalesce(pending_since > now() - interval '10 minutes', false) AS "isPending",
            coalesce(locked_until > now(), false) AS "isLocked",
            refusing_since IS NOT NULL AS "isRefusing"
       FROM two_factor_states`,
  );
  return row ?? NOTHING_STORED;
}

/** What the factor keeps besides: codes, and what was opened by it. */
async function entriesOf({ app }: World): Promise<unknown> {
  const [row] = await app.sql(
    `SELECT (SELECT array_agg(NOT used ORDER BY slot) FROM backup_codes) AS unused,
            (SELECT count(*)::int FROM sessions) AS sessions,
            array(SELECT CASE WHEN ended_at IS NULL THEN tries::text ELSE 'over' END
                    FROM two_factor_challenges
                   WHERE expires_at > now() ORDER BY expires_at) AS challenges`,
  );
  return row;
}
