import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bearer, settle, together } from '../support/client.ts';
import type { Settled } from '../support/client.ts';
import { registerPerson } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { newRefreshModel, present, recentLate } from './refresh-model.ts';
import type { RefreshModel } from './refresh-model.ts';
import { propertyOptions, sequences } from './settings.ts';
import { startWorld } from './world.ts';
import type { World } from './world.ts';

interface Real {
  readonly person: SignedIn;
  /** In the order of the model's tokens. */
  readonly tokens: string[];
}

type Command = fc.AsyncCommand<RefreshModel, Real>;

const SEQUENCES = 40;
const DAY = 86_400;
let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.app.stop());

/** Counted from the newest; most callers have the newest or the one before. */
const which = fc.constantFrom(0, 0, 0, 0, 1, 1, 1, 2, 3);
const callers = fc.constantFrom(1, 1, 1, 8);
const seconds = fc.constantFrom(10, 10, 50, 50, 3_600, 40_000, 90_000, 12 * DAY, 31 * DAY);

test('refresh tokens do what their model does: rotated, repeated, late, reused, revoked', async () => {
  const commands = sequences<RefreshModel, Real>(
    [
      fc.tuple(which, callers).map(([token, count]) => presenting(token, count)),
      fc.tuple(which, callers).map(([token, count]) => presenting(token, count)),
      fc.tuple(which, callers).map(([token, count]) => presenting(token, count)),
      seconds.map(passing),
      fc.nat(2).map(restoring),
      fc.constantFrom(0, 0, 0, 0, 1).map((isOver) => (isOver ? loggingOut() : presenting(0, 2))),
    ],
    40,
  );
  const property = fc.asyncProperty(commands, async (sequence) => {
    await world.reset();
    const person = await registerPerson(world.app);
    const real = { person, tokens: [person.refreshToken] };
    await fc.asyncModelRun(() => ({ model: newRefreshModel(), real }), sequence);
  });
  await fc.assert(property, propertyOptions(SEQUENCES));
}, 60_000);

/** One token, presented by that many at once: two tabs, a phone that repeats itself, a thief. */
function presenting(distance: number, count: number): Command {
  return command(`present token -${distance} ${count} times at once`, async (model, real) => {
    const index = Math.max(0, real.tokens.length - 1 - distance);
    const refreshToken = real.tokens[index] ?? '';
    const { auth } = world.app.clients;
    const answers = await together(count, () => auth.refreshTokens({ refreshToken }));
    const token = model.tokens[index];
    if (!token) throw new Error('The model knows fewer tokens');
    const known = model.tokens.length;
    const expected = Array.from({ length: count }, () => present(model, token));
    expect(answers.map(outcomeOf).sort()).toEqual(expected.map(nameOf).sort());
    const newest = answers.find((answer) => answer.status === 'ok');
    if (model.tokens.length > known && newest?.status === 'ok')
      real.tokens.push(newest.value.refreshToken);
  });
}

/**
 * Tokens end by the process's clock and sessions by PostgreSQL's, which stands still here: after 30
 * days the two would disagree, so by then the session has ended or no more time passes.
 */
function passing(time: number): Command {
  return command(`${time} s pass`, async (model) => {
    if (time < 30 * DAY && model.now + time >= 30 * DAY) return;
    await world.pass(time);
    model.now += time;
  });
}

/** PostgreSQL comes back from a backup that is some rotations old. */
function restoring(rotations: number): Command {
  return command(`lose ${rotations} rotations`, async (model, { person }) => {
    model.counter = Math.max(0, model.counter - rotations);
    await world.app.sql('UPDATE sessions SET refresh_counter = $2 WHERE id = $1', [
      person.sessionId,
      model.counter,
    ]);
  });
}

function loggingOut(): Command {
  return command('log out', async (model, { person, tokens }) => {
    const { auth } = world.app.clients;
    const refreshed = await settle(auth.refreshTokens({ refreshToken: tokens.at(-1) ?? '' }));
    const last = model.tokens.at(-1);
    if (!last) throw new Error('The model has no token');
    const known = model.tokens.length;
    present(model, last);
    if (refreshed.status === 'refused') return;
    if (model.tokens.length > known) tokens.push(refreshed.value.refreshToken);
    await auth.logout({}, bearer(refreshed.value.accessToken));
    model.isRevoked = true;
    expect(refreshed.value.sessionId).toBe(person.sessionId);
  });
}

async function expectSameState(model: RefreshModel, { person }: Real): Promise<void> {
  const rows = await world.app.sql(
    `SELECT refresh_counter AS counter, revoked_at IS NOT NULL AS "isRevoked",
            (SELECT count(*)::int FROM unnest(late_refreshes) AS late
              WHERE late > now() - interval '30 days') AS late,
            (SELECT count(*)::int FROM audit_events e WHERE e.session_id = s.id
                AND e.type = 'session.refresh.reuse_detected') AS reused
       FROM sessions s`,
  );
  const { counter, isRevoked } = model;
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({ counter, isRevoked, late: recentLate(model) });
  if (!isRevoked) expect(rows[0]).toMatchObject({ reused: 0 });
  const revocations = 'SELECT count(*)::int AS count FROM revocations WHERE session_id = $1';
  const [row] = await world.app.sql<{ count: number }>(revocations, [person.sessionId]);
  expect(row?.count).toBe(isRevoked ? 1 : 0);
}

function command(name: string, run: (model: RefreshModel, real: Real) => Promise<void>): Command {
  return {
    check: () => true,
    run: async (model, real) => {
      await run(model, real);
      await expectSameState(model, real);
    },
    toString: () => name,
  };
}

interface Pair {
  readonly refreshToken: string;
}

function outcomeOf(outcome: Settled<Pair>): string {
  if (outcome.status === 'refused') return outcome.refusal.reason;
  return `OK ${String(counterOf(outcome.value.refreshToken))}`;
}

function nameOf(answer: ReturnType<typeof present>): string {
  return answer.status === 'OK' ? `OK ${answer.counter}` : answer.status;
}

function counterOf(token: string): unknown {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return Reflect.get(Object(JSON.parse(payload)), 'ctr');
}
