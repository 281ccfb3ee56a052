import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { settle, together } from '../support/client.ts';
import { approve, complete, ephemeralKey, reissue, startDevice } from '../support/link.ts';
import { wrongNumber } from '../support/link.ts';
import { registerPerson } from '../support/person.ts';
import { answerOf, commandsWith, fromNewest, pick } from './command.ts';
import { approveStepUp, bearerOf, holderIn, holderOf, keepFresh, provenLogin } from './holder.ts';
import * as rules from './link-model.ts';
import type { LinkModel } from './link-model.ts';
import { expectInherited, expectSameState } from './link-state.ts';
import type { Real } from './link-state.ts';
import { actorOf, isLiving, lift, openSession } from './session-model.ts';
import { propertyOptions, sequences } from './settings.ts';
import { startSessionWorld } from './session-world.ts';
import type { World } from './world.ts';

const SEQUENCES = 30;
const TOGETHER = 4;
let world: World;

beforeAll(async () => {
  world = await startSessionWorld({ LINK_SCANS_PER_ACCOUNT_HOUR: '50', SESSION_DEVICE_CAP: '50' });
});
afterAll(() => world.app.stop());

const command = commandsWith<LinkModel, Real>((model, real) => expectSameState(world, model, real));

/** Counted from the newest. */
const which = fc.constantFrom(0, 0, 0, 0, 0, 1, 2);
const who = fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2, 3, -1, -2);
const isRight = fc.constantFrom(true, true, true, true, false);
/** Age of the code, counted from the newest, and how many present it. */
const scans = fc.constantFrom([0, 1], [0, 1], [0, 1], [1, 1], [0, TOGETHER] as const);
const callers = fc.constantFrom(1, 1, 1, TOGETHER);
const seconds = fc.constantFrom(10, 10, 10, 40, 130, 310);

test('a QR login does what its model does: codes, scans, approval, tokens, time and fail-over', async () => {
  const commands = sequences<LinkModel, Real>(
    [
      fc.constant(starting()),
      who.map(lettingIn),
      who.map(lettingIn),
      fc.tuple(which, isRight, fc.constantFrom(0, 0, 0, 1)).map((of) => reissuing(...of)),
      fc.tuple(which, who, scans).map((of) => scanning(...of)),
      fc.tuple(which, who, scans).map((of) => scanning(...of)),
      fc.tuple(which, who, isRight).map((of) => approving(...of)),
      fc.tuple(which, who, isRight).map((of) => approving(...of)),
      fc.tuple(which, who).map((of) => declining(...of)),
      fc.tuple(which, isRight, callers).map((of) => completing(...of)),
      fc.tuple(which, isRight, callers).map((of) => completing(...of)),
      fc.nat(1).map(signingIn),
      fc.constantFrom(0, 1, 2, 3, -1).map(loggingOut),
      fc.tuple(who, who).map((of) => lifting(...of)),
      fc.nat(1).map(restoring),
      fc.constant(failingOver()),
      seconds.map(passing),
    ],
    40,
  );
  const property = fc.asyncProperty(commands, async (sequence) => {
    await world.reset();
    await fc.asyncModelRun(begin, sequence);
  });
  await fc.assert(property, propertyOptions(SEQUENCES));
}, 60_000);

async function begin(): Promise<{ model: LinkModel; real: Real }> {
  const people = [await registerPerson(world.app), await registerPerson(world.app)];
  const phones = people.map(({ phone }) => phone);
  const holders = people.map((person) => holderOf(world, person));
  return { model: rules.newLinkModel(), real: { phones, holders, devices: [] } };
}

function starting() {
  return command('start', async (model, { devices }) => {
    const device = await startDevice(world.app);
    devices.push({ ...device, codes: [device.started.qrText] });
    rules.start(model);
  });
}

function reissuing(which: number, isOwn: boolean, behind: number) {
  const name = `reissue link -${which}, its key: ${isOwn}, ${behind} behind`;
  return onLink(name, which, async (model, { link, device }) => {
    const codesLeft = link.codesLeft + behind;
    const signer = isOwn ? device : { ...device, key: ephemeralKey() };
    const answer = await settle(reissue(signer, codesLeft));
    expect(answerOf(answer)).toBe(rules.reissue(model, link, { isOwn, codesLeft }));
    if (answer.status === 'ok') device.codes.push(answer.value.qrText);
  });
}

function scanning(which: number, by: number, [age, count]: readonly [number, number]) {
  const name = `session ${by} scans code -${age} of link -${which}, ${count} at once`;
  return onLink(name, which, async (model, { link, device, real }) => {
    const session = actorOf(model, by);
    const as = await bearerOf(world, holderIn(real, session));
    const index = Math.max(0, device.codes.length - 1 - age);
    const qrText = device.codes[index] ?? '';
    const codesLeft = link.codesLeft + device.codes.length - 1 - index;
    const answers = await together(count, () => world.app.clients.device.scanLink({ qrText }, as));
    const expected = answers.map(() => rules.scan(model, link, { session, codesLeft }));
    expect(answers.map(answerOf).sort()).toEqual(expected.sort());
  });
}

function approving(which: number, by: number, isRightNumber: boolean) {
  const name = `session ${by} approves link -${which}, right number: ${isRightNumber}`;
  return onLink(name, which, async (model, { link, device, real }) => {
    const session = actorOf(model, by);
    const holder = holderIn(real, session);
    await keepFresh(world, holder);
    const number = isRightNumber ? device.started.confirmationNumber : wrongNumber(device);
    const answer = await settle(approve(world.app, holder, { ...device, number }));
    expect(answerOf(answer)).toBe(rules.approve(model, link, { session, isRightNumber }));
  });
}

/** A new device that is let in, so that tokens are collected often enough. */
function lettingIn(by: number) {
  return command(`start, and session ${by} lets it in`, async (model, real) => {
    const steps = [starting(), scanning(0, by, [0, 1]), approving(0, by, true)];
    for (const step of steps) await step.run(model, real);
  });
}

function declining(which: number, by: number) {
  return onLink(`session ${by} declines link -${which}`, which, async (model, at) => {
    const { challengeId } = at.device.started;
    const session = actorOf(model, by);
    const as = await bearerOf(world, holderIn(at.real, session));
    const answer = await settle(world.app.clients.device.declineLink({ challengeId }, as));
    expect(answerOf(answer)).toBe(rules.decline(model, at.link, session));
  });
}

function completing(which: number, isOwn: boolean, count: number) {
  const name = `complete link -${which}, its key: ${isOwn}, ${count} at once`;
  return onLink(name, which, async (model, { link, device, real }) => {
    const collector = isOwn ? device : { ...device, key: ephemeralKey() };
    const answers = await together(count, () => complete(collector));
    const by = { isOwn, device: 2 + model.links.indexOf(link) };
    const expected = answers.map(() => rules.complete(model, link, by));
    expect(answers.map(answerOf).sort()).toEqual(expected.sort());
    for (const answer of answers) {
      if (answer.status === 'refused') continue;
      const holder = holderOf(world, answer.value);
      real.holders.push(holder);
      if (link.scanner) await expectInherited(world, holderIn(real, link.scanner), holder);
    }
  });
}

function signingIn(account: number) {
  return command(`account ${account} signs in again`, async (model, real) => {
    const phone = pick(real.phones, account);
    const { deviceId } = pick(real.holders, account);
    const answer = await provenLogin(world, { phone, deviceId });
    expect(answerOf(answer)).toBe('OK');
    openSession(model, { account, device: account });
    if (answer.status === 'ok') real.holders.push(holderOf(world, answer.value));
  });
}

function loggingOut(by: number) {
  return command(`session ${by} logs out`, async (model, real) => {
    const session = actorOf(model, by);
    const as = await bearerOf(world, holderIn(real, session));
    const answer = await settle(world.app.clients.auth.logout({}, as));
    expect(answerOf(answer)).toBe(isLiving(model, session) ? 'OK' : 'SIGNED_OUT');
    session.isRevoked = true;
  });
}

function lifting(senior: number, junior: number) {
  return command(`session ${senior} lifts session ${junior}`, async (model, { holders }) => {
    const [lifting, lifted] = [actorOf(model, senior), actorOf(model, junior)];
    const [holder, other] = [holderIn({ holders }, lifting), holderIn({ holders }, lifted)];
    const answer = await approveStepUp(world, holder, other);
    expect(answerOf(answer)).toBe(lift(model, lifting, lifted));
  });
}

/** Redis forgets that the tokens were collected, and nothing else. */
function restoring(which: number) {
  return onLink(`Redis restores link -${which} as approved`, which, async (model, at) => {
    if (!at.link.isCollected || !rules.isKnown(model, at.link)) return;
    const key = `qr_challenge:${at.device.started.challengeId}`;
    await world.app.redis.hset(key, { trail: 'waiting scanned approved' });
    at.link.state = 'approved';
  });
}

/** What is there was written under another primary. */
function failingOver() {
  return command('Redis fails over', async (model) => {
    const keys = await world.app.redis.keys('qr_challenge:*');
    for (const key of keys) await world.app.redis.hset(key, { replid: 'f'.repeat(40) });
    for (const link of model.links) link.isVoid = true;
  });
}

function passing(time: number) {
  return command(`${time} s pass`, async (model) => {
    await world.pass(time);
    model.now += time;
  });
}

interface Target {
  readonly link: LinkModel['links'][number];
  readonly device: Real['devices'][number];
  readonly real: Real;
}

/** Does nothing before the first start. */
function onLink(name: string, which: number, run: (model: LinkModel, at: Target) => Promise<void>) {
  return command(name, async (model, real) => {
    const [link, device] = [fromNewest(model.links, which), fromNewest(real.devices, which)];
    if (link && device) await run(model, { link, device, real });
  });
}
