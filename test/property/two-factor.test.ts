import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { settle, together } from '../support/client.ts';
import { registerPerson } from '../support/person.ts';
import { challengeIn } from '../support/two-factor-person.ts';
import { answerOf, commandsWith, pick } from './command.ts';
import { approveStepUp, bearerOf, holderOf, provenLogin } from './holder.ts';
import { lift } from './session-model.ts';
import { propertyOptions, sequences } from './settings.ts';
import { middleOfStep, typed } from './two-factor-codes.ts';
import type { Real, Wish } from './two-factor-codes.ts';
import * as rules from './two-factor-model.ts';
import type { TwoFactorModel } from './two-factor-model.ts';
import { expectAnswers, expectSameState } from './two-factor-state.ts';
import { startWorld } from './world.ts';
import type { World } from './world.ts';

/** By which call a code is given, and which code. */
type Given = readonly ['totp' | 'backup_code', Wish];

const SEQUENCES = 12;
const TOGETHER = 6;
let wallMs = middleOfStep();
let world: World;

beforeAll(async () => {
  world = await startWorld({}, () => wallMs);
});
afterAll(() => world.app.stop());

const command = commandsWith<TwoFactorModel, Real>((model, real) =>
  expectSameState(world, model, { real, wallMs }),
);

const who = fc.constantFrom(0, 0, 0, 1, 2);
const offset = fc.constantFrom(0, 0, 0, 0, -1, -2, 1);
/** Counted from the newest. */
const which = fc.constantFrom(0, 0, 0, 0, 1);
const callers = fc.constantFrom(1, 1, TOGETHER);
const digits = fc.record({ form: fc.constant('digits' as const), secret: which, offset });
const paper = fc.record({ form: fc.constant('paper' as const), set: which, slot: fc.nat(2) });
const wrong = fc.constantFrom<Wish>({ form: 'wrong digits' }, { form: 'wrong paper' });
const wish = fc.oneof(digits, paper, wrong);
const totp = fc.constant('totp' as const);
const backupCode = fc.constant('backup_code' as const);
/** Mostly what the call takes, sometimes anything. */
const given: fc.Arbitrary<Given> = fc.oneof(
  { arbitrary: fc.tuple(totp, digits), weight: 5 },
  { arbitrary: fc.tuple(backupCode, paper), weight: 3 },
  { arbitrary: fc.tuple(fc.oneof(totp, backupCode), wish), weight: 3 },
);
/** Multiples of a time step. */
const seconds = fc.constantFrom(30, 30, 30, 30, 60, 60, 330, 930, 3_630, 86_430);

test('a second factor does what its model does: codes, misses, locks, refusal and changes', async () => {
  const commands = sequences<TwoFactorModel, Real>(
    [
      who.map(settingUp),
      ...[who, who, who].map((session) => session.map(turningOn)),
      fc.tuple(who, digits).map((of) => enabling(...of)),
      fc.tuple(who, given, callers).map((of) => steppingUp(...of)),
      fc.tuple(who, given, callers).map((of) => steppingUp(...of)),
      fc.tuple(which, given, callers).map((of) => answering(...of)),
      fc.tuple(fc.nat(2), given, callers).map((of) => entering(...of)),
      fc.tuple(fc.nat(2), given, callers).map((of) => entering(...of)),
      fc.nat(2).map(loggingIn),
      fc.tuple(who, wish).map((of) => disabling(...of)),
      fc.tuple(who, wish).map((of) => regenerating(...of)),
      fc.tuple(who, who).map((of) => lifting(...of)),
      fc.constant(missingOften()),
      ...[seconds, seconds, seconds].map((time) => time.map(passing)),
    ],
    40,
  );
  const property = fc.asyncProperty(commands, async (sequence) => {
    wallMs = middleOfStep();
    await world.reset();
    await fc.asyncModelRun(begin, sequence);
  });
  await fc.assert(property, propertyOptions(SEQUENCES));
}, 60_000);

async function begin(): Promise<{ model: TwoFactorModel; real: Real }> {
  const person = await registerPerson(world.app);
  const deviceIds = [person.deviceId, randomUUID(), randomUUID()];
  const nothing = { secrets: [], on: undefined, pending: undefined, sets: [], challenges: [] };
  const holders = [holderOf(world, person)];
  const real = { ...nothing, phone: person.phone, deviceIds, holders };
  return { model: rules.newTwoFactorModel(), real };
}

function settingUp(by: number) {
  return command(`session ${by} sets up`, (model, real) => setUp(model, real, by));
}

async function setUp(model: TwoFactorModel, real: Real, by: number): Promise<void> {
  const as = await bearerOf(world, pick(real.holders, by));
  const answer = await settle(world.app.clients.auth.setUpTwoFactor({}, as));
  expect(answerOf(answer)).toBe(rules.setUp(model, pick(model.sessions, by)));
  if (answer.status === 'refused') return;
  real.pending = answer.value.secret;
  real.secrets.push(real.pending);
}

function enabling(by: number, code: Wish) {
  return command(`session ${by} enables by ${JSON.stringify(code)}`, (model, real) =>
    enable(model, real, [by, code]),
  );
}

async function enable(model: TwoFactorModel, real: Real, [by, code]: [number, Wish]) {
  const as = await bearerOf(world, pick(real.holders, by));
  const { text: token, proof } = typed(model, real, { wish: code, wallMs });
  const answer = await settle(world.app.clients.auth.enableTwoFactor({ token }, as));
  expect(answerOf(answer)).toBe(rules.enable(model, pick(model.sessions, by), proof));
  if (answer.status === 'refused') return;
  real.sets.push(answer.value.backupCodes);
  [real.on, real.pending] = [real.pending, undefined];
}

/** Sets up, enables and waits for the next code, so that most sequences have a factor. */
function turningOn(by: number) {
  return command(`session ${by} turns it on`, async (model, real) => {
    if (model.isOn) return;
    await setUp(model, real, by);
    await enable(model, real, [by, { form: 'digits', secret: 0, offset: 0 }]);
    await pass(model, 30);
  });
}

function steppingUp(by: number, [kind, code]: Given, count: number) {
  const name = `session ${by} gives ${kind} ${JSON.stringify(code)} ${count} times at once`;
  return command(name, async (model, real) => {
    const as = await bearerOf(world, pick(real.holders, by));
    const { text: token, proof } = typed(model, real, { wish: code, wallMs });
    const answers = await together(count, () => present(kind, { token }, as));
    const session = pick(model.sessions, by);
    const next = () => rules.stepUp(model, session, { proof, kind });
    await expectAnswers({ world, model }, answers.map(answerOf), next);
  });
}

function answering(distance: number, [kind, code]: Given, count: number) {
  const name = `challenge -${distance} gets ${kind} ${JSON.stringify(code)} ${count} times at once`;
  return command(name, (model, real) => answer(model, real, { distance, kind, code, count }));
}

/** So that a challenge is not always over. */
function entering(device: number, [kind, code]: Given, count: number) {
  const name = `log in on device ${device}, ${kind} ${JSON.stringify(code)} ${count} times at once`;
  return command(name, async (model, real) => {
    await logIn(model, real, device);
    if (model.isOn) await answer(model, real, { distance: 0, kind, code, count });
  });
}

interface Answer {
  readonly distance: number;
  readonly kind: Given[0];
  readonly code: Wish;
  readonly count: number;
}

async function answer(model: TwoFactorModel, real: Real, to: Answer): Promise<void> {
  const { distance, kind, code, count } = to;
  const index = real.challenges.length - 1 - distance;
  const challenge = real.challenges[index] ?? 'unknown';
  const { text: token, proof } = typed(model, real, { wish: code, wallMs });
  const answers = await together(count, () => present(kind, { token, challenge }));
  const next = () => rules.answerChallenge(model, index, { proof, kind });
  await expectAnswers({ world, model }, answers.map(answerOf), next);
  for (const answered of answers)
    if (answered.status === 'ok') real.holders.push(holderOf(world, answered.value));
}

async function present(
  kind: Given[0],
  message: { token: string; challenge?: string },
  as?: { headers: Record<string, string> },
) {
  const { auth } = world.app.clients;
  if (kind === 'totp') return auth.verifyTwoFactor(message, as);
  return auth.useBackupCode(message, as);
}

function loggingIn(device: number) {
  return command(`log in on device ${device}`, (model, real) => logIn(model, real, device));
}

async function logIn(model: TwoFactorModel, real: Real, device: number): Promise<void> {
  const deviceId = pick(real.deviceIds, device);
  const entered = await provenLogin(world, { phone: real.phone, deviceId });
  expect(answerOf(entered)).toBe(rules.logIn(model, device));
  if (entered.status === 'ok') real.holders.push(holderOf(world, entered.value));
  else real.challenges.push(challengeIn(entered.refusal).challenge);
}

function disabling(by: number, code: Wish) {
  return command(`session ${by} disables by ${JSON.stringify(code)}`, async (model, real) => {
    const as = await bearerOf(world, pick(real.holders, by));
    const { text: token, proof } = typed(model, real, { wish: code, wallMs });
    const answer = await settle(world.app.clients.auth.disableTwoFactor({ token }, as));
    expect(answerOf(answer)).toBe(rules.disable(model, pick(model.sessions, by), proof));
    if (answer.status === 'ok') real.on = undefined;
  });
}

function regenerating(by: number, code: Wish) {
  return command(`session ${by} regenerates by ${JSON.stringify(code)}`, async (model, real) => {
    const as = await bearerOf(world, pick(real.holders, by));
    const { text: token, proof } = typed(model, real, { wish: code, wallMs });
    const answer = await settle(world.app.clients.auth.regenerateBackupCodes({ token }, as));
    expect(answerOf(answer)).toBe(rules.regenerate(model, pick(model.sessions, by), proof));
    if (answer.status === 'ok') real.sets.push(answer.value.backupCodes);
  });
}

/** An older session vouches for a younger one, which also ends locks and refusal. */
function lifting(senior: number, junior: number) {
  return command(`session ${senior} lifts session ${junior}`, async (model, { holders }) => {
    const answer = await approveStepUp(world, pick(holders, senior), pick(holders, junior));
    const expected = lift(model, pick(model.sessions, senior), pick(model.sessions, junior));
    expect(answerOf(answer)).toBe(expected);
    if (expected === 'OK') rules.endRefusal(model);
  });
}

/** As if somebody had guessed for weeks: the next miss is the one too many. */
function missingOften() {
  const misses = rules.REFUSING_MISSES - 1;
  return command(`${misses} misses, whose locks are over`, async (model) => {
    if (!model.isOn || misses <= model.misses) return;
    Object.assign(model, { misses, lockedUntil: 0 });
    await world.app.sql('UPDATE two_factor_states SET misses = $1, locked_until = NULL', [misses]);
  });
}

function passing(time: number) {
  return command(`${time} s pass`, (model) => pass(model, time));
}

async function pass(model: TwoFactorModel, time: number): Promise<void> {
  await world.pass(time);
  model.now += time;
}
