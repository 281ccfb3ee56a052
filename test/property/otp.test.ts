import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { countReasons, settle, together } from '../support/client.ts';
import type { Clients, Settled } from '../support/client.ts';
import { registerPerson } from '../support/person.ts';
import { CHECKS, check, consume, living, newOtpModel, request } from './otp-model.ts';
import type { OtpModel, Purpose } from './otp-model.ts';
import { propertyOptions, sequences } from './settings.ts';
import { startWorld } from './world.ts';
import type { World } from './world.ts';

interface Real {
  readonly phone: string;
  readonly ids: string[];
  readonly codes: string[];
  readonly addresses: readonly Clients['auth'][];
}

type Command = fc.AsyncCommand<OtpModel, Real>;

const SEQUENCES = 40;
const TOGETHER = 8;
let world: World;

beforeAll(async () => {
  world = await startWorld({
    VERIFICATION_SENDS_PER_NUMBER_HOUR: '20',
    VERIFICATION_SENDS_PER_NUMBER_DAY: '20',
    VERIFICATION_SENDS_PER_NUMBER_HARD_DAY: '40',
    VERIFICATION_SENDS_PER_NUMBER_ADDRESS_HOUR: '20',
    VERIFICATION_SENDS_PER_NUMBER_ADDRESS_DAY: '20',
    VERIFICATION_CHECKS_PER_NUMBER_DAY: '50',
    VERIFICATION_CHECKS_PER_NUMBER_ADDRESS_DAY: '50',
    VERIFICATION_WAIT_FROM_FAILURES: '20',
    VERIFICATION_SENDS_PER_ADDRESS_HOUR: '300',
    VERIFICATION_CHECKS_PER_ADDRESS_HOUR: '300',
  });
});
afterAll(() => world.app.stop());

const purpose = fc.constantFrom<Purpose>('register', 'login', 'login');
const address = fc.nat(1);
/** Counted from the newest, so that a sequence that is cut names the same ones. */
const which = fc.constantFrom(0, 0, 0, 1, 1, 2, 4);
/** Sums of these are multiples of ten seconds: no limit lies closer than a run lasts. */
const seconds = fc.constantFrom(10, 40, 40, 40, 130, 130, 310, 910);

test('phone verification does what its model does, from two addresses and over time', async () => {
  const commands = sequences<OtpModel, Real>(
    [
      fc.tuple(purpose, address).map(([of, from]) => requesting(of, from)),
      fc.tuple(purpose, address).map(([of, from]) => requesting(of, from)),
      fc.tuple(which, which, address).map(([id, code, from]) => checking(id, code, from)),
      fc.tuple(which, address).map(([id, from]) => entering(id, from)),
      fc.tuple(which, address).map(([id, from]) => missing(id, from)),
      fc.tuple(which, purpose).map(([id, of]) => crossing(id, of)),
      which.map(missingTogether),
      which.map(loggingIn),
      seconds.map(passing),
    ],
    40,
  );
  const property = fc.asyncProperty(commands, async (sequence) => {
    await world.reset();
    const { phone } = await registerPerson(world.app);
    await world.pass(100_000);
    const addresses = ['203.0.113.1', '2001:db8::1'].map((from) => world.app.clientsAt(from).auth);
    const model = newOtpModel();
    await fc.asyncModelRun(
      () => ({ model, real: { phone, ids: [], codes: [], addresses } }),
      sequence,
    );
  });
  await fc.assert(property, propertyOptions(SEQUENCES));
}, 60_000);

function requesting(of: Purpose, from: number): Command {
  return command(`request ${of} from ${from}`, async (model, real) => {
    const auth = sender(real, from);
    const { phone: phoneNumber } = real;
    const ask = async () => {
      if (of === 'login') return auth.requestLoginVerification({ phoneNumber });
      return auth.requestRegisterVerification({ phoneNumber });
    };
    const answer = await settle<{ verificationId: string }>(ask());
    expect(reasonOf(answer)).toBe(request(model, of, from));
    if (answer.status === 'refused') return;
    real.ids.push(answer.value.verificationId);
    real.codes.push(world.app.inbox.codeFor(real.phone));
  });
}

/** Any code that was sent, under any id. */
function checking(id: number, code: number, from: number): Command {
  return command(`check id -${id} code -${code} from ${from}`, async (model, real) => {
    const [index, codeIndex] = [fromNewest(real, id), fromNewest(real, code)];
    await checkOnce(model, real, { index, codeIndex, from });
  });
}

function entering(id: number, from: number): Command {
  return command(`enter the newest code under id -${id} from ${from}`, async (model, real) => {
    const index = fromNewest(real, id);
    await checkOnce(model, real, { index, codeIndex: real.ids.length - 1, from });
  });
}

function missing(id: number, from: number): Command {
  return command(`miss id -${id} from ${from}`, async (model, real) => {
    await checkOnce(model, real, { index: fromNewest(real, id), codeIndex: undefined, from });
  });
}

function crossing(id: number, of: Purpose): Command {
  return command(`enter its code under id -${id} as ${of}`, async (model, real) => {
    const index = fromNewest(real, id);
    await checkOnce(model, real, { index, codeIndex: index, from: 0, of });
  });
}

function missingTogether(id: number): Command {
  return command(`miss id -${id} ${TOGETHER} times at once`, async (model, real) => {
    const index = fromNewest(real, id);
    const of = model.verifications[index]?.purpose ?? 'login';
    const answers = await together(TOGETHER, () =>
      send(real, { index, code: 'wrong', from: 1, of }),
    );
    const expected: Record<string, number> = {};
    for (let guess = 0; guess < TOGETHER; guess += 1) {
      const answer = check(model, { index, purpose: of, codeIndex: undefined });
      expected[answer] = (expected[answer] ?? 0) + 1;
    }
    expect(countReasons(answers)).toEqual(expected);
    expect(expected['CODE_WRONG'] ?? 0).toBeLessThanOrEqual(CHECKS);
  });
}

function loggingIn(id: number): Command {
  return command(`log in with id -${id}`, async (model, real) => {
    const index = fromNewest(real, id);
    const device = { deviceId: randomUUID(), deviceType: 'web' };
    const verificationId = real.ids[index] ?? randomUUID();
    const { auth } = world.app.clients;
    const answers = await together(2, () => auth.login({ verificationId, ...device }));
    const expected = [consume(model, index), consume(model, index)];
    expect(answers.map(reasonOf).sort()).toEqual(expected.sort());
  });
}

function passing(time: number): Command {
  return command(`${time} s pass`, async (model) => {
    await world.pass(time);
    model.now += time;
  });
}

interface Guess {
  readonly index: number;
  readonly codeIndex: number | undefined;
  readonly from: number;
  readonly of?: Purpose;
}

async function checkOnce(model: OtpModel, real: Real, guess: Guess): Promise<void> {
  const { index, codeIndex, from } = guess;
  const of = guess.of ?? model.verifications[index]?.purpose ?? 'login';
  const code = codeIndex === undefined ? 'wrong' : (real.codes[codeIndex] ?? 'wrong');
  const answer = await settle(send(real, { index, code, from, of }));
  const sent = codeIndex !== undefined && codeIndex >= 0 ? codeIndex : undefined;
  expect(reasonOf(answer)).toBe(check(model, { index, purpose: of, codeIndex: sent }));
}

/** A code of letters would be refused before it is counted; seven digits are no code either. */
function send(
  real: Real,
  guess: { index: number; code: string; from: number; of: Purpose },
): Promise<unknown> {
  const auth = sender(real, guess.from);
  const code = guess.code === 'wrong' ? '999999' : guess.code;
  const confirmation = { verificationId: real.ids[guess.index] ?? randomUUID(), code };
  return guess.of === 'login'
    ? auth.confirmLoginVerification(confirmation)
    : auth.confirmRegisterVerification(confirmation);
}

/** What the stores say must be what the model says, after every command. */
async function expectSameState(model: OtpModel, real: Real): Promise<void> {
  for (const [index, id] of real.ids.entries()) {
    const [confirmed, exists] = [
      await world.app.redis.hget(`verification:${id}`, 'confirmed'),
      await world.app.redis.exists(`verification:${id}`),
    ];
    const known = living(model, index);
    expect([exists === 1, confirmed === '1']).toEqual([
      known !== undefined,
      known?.state === 'confirmed',
    ]);
  }
  const [spent] = await world.app.sql<{ count: number }>(
    'SELECT count(*)::int AS count FROM consumed_verifications WHERE id = ANY ($1)',
    [real.ids],
  );
  expect(spent?.count).toBe(model.verifications.filter(({ state }) => state === 'spent').length);
}

function command(name: string, run: (model: OtpModel, real: Real) => Promise<void>): Command {
  return {
    check: () => true,
    run: async (model, real) => {
      await run(model, real);
      await expectSameState(model, real);
    },
    toString: () => name,
  };
}

function sender(real: Real, from: number): Clients['auth'] {
  return real.addresses[from] ?? world.app.clients.auth;
}

function fromNewest(real: Real, distance: number): number {
  return real.ids.length - 1 - distance;
}

function reasonOf(outcome: Settled<unknown>): string {
  return outcome.status === 'ok' ? 'OK' : outcome.refusal.reason;
}
