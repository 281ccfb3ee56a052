import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bearer, settle } from '../support/client.ts';
import { provenLogins } from '../support/person.ts';
import { answerOf, commandsWith, pick } from './command.ts';
import * as rules from './device-model.ts';
import type { DeviceModel, Entrant } from './device-model.ts';
import { begin, expectDead, expectSameState, keep, present } from './device-state.ts';
import type { Real } from './device-state.ts';
import { approveStepUp, holderIn, holderOf, keepFresh, refresh } from './holder.ts';
import { actorOf, isLiving, lift } from './session-model.ts';
import type { ModelSession } from './session-model.ts';
import { startSessionWorld } from './session-world.ts';
import { propertyOptions, sequences } from './settings.ts';
import type { World } from './world.ts';

const SEQUENCES = 25;
const IDS = 13;
const TOGETHER = 3;
/** Refresh tokens hold a time by PostgreSQL, which moves no further than this. */
const MOST_SECONDS = 29 * 86_400;
let world: World;

beforeAll(async () => {
  world = await startSessionWorld();
});
afterAll(() => world.app.stop());

const command = commandsWith<DeviceModel, Real>(async (model, real) => {
  await expectSameState(world, model, real);
  const session = pick(model.sessions, model.uses);
  if (!isLiving(model, session)) await expectDead(world, holderIn(real, session));
});

const who = fc.constantFrom(0, 0, 0, 1, 2, 3, 4, 5, -1, -2);
const device = fc.nat(IDS - 1);
const identity = fc.constantFrom(0, 0, 0, 0, 1);
const replace = fc.option(device, { nil: undefined });
const name = fc.constantFrom('Ana’s phone', 'Work');
const entrant = fc.record({ device, identity, name, replace });
const weeks = fc.constantFrom(10, 8 * 86_400);
const seconds = fc.constantFrom(10, 310, 310, 3_700, 90_000, 4 * 86_400, 8 * 86_400);

test('devices do what their model does: cap, replacement, names, removal, seniority, return', async () => {
  const commands = sequences<DeviceModel, Real>(
    [
      ...[entrant, entrant, entrant].map((of) => of.map(loggingIn)),
      fc.tuple(entrant, weeks).map((of) => replacing(...of)),
      fc.nat(2).map(filling),
      fc.constant(loggingInTogether()),
      fc.tuple(who, device, name).map((of) => renaming(...of)),
      fc.tuple(who, device).map((of) => revokingDevice(...of)),
      fc.tuple(who, device).map((of) => revokingDevice(...of)),
      who.map(revokingOthers),
      fc.tuple(who, who).map((of) => revokingSession(...of)),
      who.map(loggingOut),
      fc.tuple(who, who).map((of) => lifting(...of)),
      who.map(refreshing),
      ...[seconds, seconds].map((time) => time.map(passing)),
    ],
    40,
  );
  const property = fc.asyncProperty(commands, async (sequence) => {
    await world.reset();
    const model = rules.newDeviceModel(IDS);
    const real = await begin(world, IDS);
    await fc.asyncModelRun(() => ({ model, real }), sequence);
    const dead = model.sessions.filter((session) => !isLiving(model, session));
    for (const session of dead) await expectDead(world, holderIn(real, session));
  });
  await fc.assert(property, propertyOptions(SEQUENCES));
}, 60_000);

function loggingIn(entrant: Entrant) {
  return command(`log in ${JSON.stringify(entrant)}`, (model, real) => logIn(model, real, entrant));
}

/** A refusal leaves the proven number unspent: the next login brings it again. */
async function logIn(model: DeviceModel, real: Real, entrant: Entrant): Promise<void> {
  const [fresh = ''] = real.unspent ? [real.unspent] : await provenLogins(world.app, real.phone, 1);
  const answer = await settle(present(world, real, { ...entrant, verificationId: fresh }));
  const entered = rules.logIn(model, entrant);
  expect(answerOf(answer)).toBe(entered.answer);
  real.unspent = answer.status === 'ok' ? undefined : fresh;
  if (answer.status === 'ok' && entered.answer === 'OK')
    keep(real, holderOf(world, answer.value), entered.device);
}

/** Up to the cap, or one or two below it. */
function filling(below: number) {
  return command(`log in on devices up to ${below} below the cap`, (model, real) =>
    fill(model, real, rules.DEVICE_CAP - below),
  );
}

async function fill(model: DeviceModel, real: Real, count: number): Promise<void> {
  for (let index = 0; index < IDS; index += 1) {
    if (rules.devicesInUse(model).length >= count) return;
    if (rules.isInUse(model, index)) continue;
    await logIn(model, real, { device: index, identity: 0, name: 'One of many' });
  }
}

/** A login at the cap, when what was used by then was not used for a while. */
function replacing(entrant: Entrant, time: number) {
  const name = `at the cap ${time} s pass, log in ${JSON.stringify(entrant)}`;
  return command(name, async (model, real) => {
    await fill(model, real, rules.DEVICE_CAP);
    await pass(model, time);
    await logIn(model, real, entrant);
  });
}

/** Further devices at once: those who got a place tell the model in which order. */
function loggingInTogether() {
  return command(`${TOGETHER} further devices log in at once`, async (model, real) => {
    const unused = [...real.deviceIds.keys()].filter((index) => !rules.isInUse(model, index));
    const entrants = unused
      .slice(0, TOGETHER)
      .map((device) => ({ device, identity: 0, name: 'A' }));
    const ids = await provenLogins(world.app, real.phone, entrants.length);
    const answers = await Promise.all(
      entrants.map(async (entrant, index) => {
        return {
          entrant,
          answer: await settle(
            present(world, real, { ...entrant, verificationId: ids[index] ?? '' }),
          ),
        };
      }),
    );
    const sessions = await world.app.sql<{ id: string }>(
      'SELECT id FROM sessions ORDER BY created_at',
    );
    for (const { id } of sessions) {
      const winner = answers.find(
        ({ answer }) => answer.status === 'ok' && answer.value.sessionId === id,
      );
      if (winner?.answer.status !== 'ok') continue;
      expect(rules.logIn(model, winner.entrant)).toEqual({
        answer: 'OK',
        device: winner.entrant.device,
      });
      keep(real, holderOf(world, winner.answer.value), winner.entrant.device);
    }
    for (const { entrant, answer } of answers)
      if (answer.status === 'refused')
        expect(answer.refusal.reason).toBe(rules.logIn(model, entrant).answer);
  });
}

function renaming(by: number, which: number, to: string) {
  return command(`session ${by} calls device ${which} ${to}`, async (model, real) => {
    const session = actorOf(model, by);
    const deviceId = pick(real.deviceIds, which);
    const wish = { deviceId, changes: { name: to } };
    const as = await bearerFor(model, real, session);
    const answer = await settle(world.app.clients.device.renameDevice(wish, as));
    expect(answerOf(answer)).toBe(rules.rename(model, session, [which, to]));
  });
}

function revokingDevice(by: number, which: number) {
  return command(`session ${by} removes device ${which}`, async (model, real) => {
    const session = actorOf(model, by);
    const as = await bearerFor(model, real, session);
    const deviceId = pick(real.deviceIds, which);
    const answer = await settle(world.app.clients.device.revokeDevice({ deviceId }, as));
    expect(answerOf(answer)).toBe(rules.revokeDevice(model, session, which));
  });
}

function revokingOthers(by: number) {
  return command(`session ${by} removes all other devices`, async (model, real) => {
    const session = actorOf(model, by);
    const as = await bearerFor(model, real, session);
    const answer = await settle(world.app.clients.device.revokeOtherDevices({}, as));
    const count = answer.status === 'ok' ? ` ${answer.value.revokedCount}` : '';
    expect(`${answerOf(answer)}${count}`).toBe(rules.revokeOthers(model, session));
  });
}

function revokingSession(by: number, which: number) {
  return command(`session ${by} ends session ${which}`, async (model, real) => {
    const [session, target] = [actorOf(model, by), actorOf(model, which)];
    const as = await bearerFor(model, real, session);
    const { sessionId } = holderIn(real, target);
    const answer = await settle(world.app.clients.auth.revokeSession({ sessionId }, as));
    expect(answerOf(answer)).toBe(rules.revokeSession(model, session, target));
  });
}

function loggingOut(by: number) {
  return command(`session ${by} logs out`, async (model, real) => {
    const session = actorOf(model, by);
    const as = await bearerFor(model, real, session);
    const answer = await settle(world.app.clients.auth.logout({}, as));
    expect(answerOf(answer)).toBe(rules.logOut(model, session));
  });
}

function lifting(senior: number, junior: number) {
  return command(`session ${senior} lifts session ${junior}`, async (model, real) => {
    const [session, lifted] = [actorOf(model, senior), actorOf(model, junior)];
    await bearerFor(model, real, session);
    const answer = await approveStepUp(world, holderIn(real, session), holderIn(real, lifted));
    expect(answerOf(answer)).toBe(lift(model, session, lifted));
  });
}

function refreshing(by: number) {
  return command(`session ${by} refreshes`, async (model, real) => {
    const session = actorOf(model, by);
    const isRefreshed = await refresh(world, holderIn(real, session));
    expect(isRefreshed).toBe(rules.refresh(model, session) === 'OK');
  });
}

function passing(time: number) {
  return command(`${time} s pass`, (model) => pass(model, time));
}

async function pass(model: DeviceModel, time: number): Promise<void> {
  if (model.now + time > MOST_SECONDS) return;
  await world.pass(time);
  model.now += time;
}

/** A client refreshes an old access token first, which counts as a use of its device. */
async function bearerFor(model: DeviceModel, real: Real, session: ModelSession) {
  const holder = holderIn(real, session);
  if (await keepFresh(world, holder)) expect(rules.refresh(model, session)).toBe('OK');
  return bearer(holder.accessToken);
}
