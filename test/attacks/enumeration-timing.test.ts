import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { settle } from '../support/client.ts';
import { newAddress, newNumber, prove } from '../support/person.ts';
import { compareTimes, spreadOf } from './rank.ts';

/** Pairs of one call for a known number and one for an unknown number, in random order. */
const PAIRS = 60;
const WARM_UP = 10;
/** Less than one in 30,000 by chance; a suspicion counts when fresh samples confirm it. */
const SUSPICION = 4;
/** Fewer than 20 samples of a number can be had in a day: less than this drowns in a network. */
const NOTICEABLE_MS = 0.4;

type Times = Record<'known' | 'unknown', number[]>;
type Verdict = 'alike' | 'slower when known' | 'faster when known';
/** Prepares a call for a number and returns what is timed. */
type Attempt = (phone: string) => Promise<() => Promise<unknown>>;

let app: TestApp;
let known: string[];

beforeAll(async () => {
  app = await startApp();
  known = [];
  for (let index = 0; index < 24; index += 1) known.push(await registerOnly());
}, 120_000);
afterAll(() => app.stop());

async function registerOnly(): Promise<string> {
  const { phone, verificationId } = await prove(app, 'register');
  await app.clients.auth.register({ verificationId, deviceId: randomUUID(), deviceType: 'ios' });
  return phone;
}

// CWE-208 and CWE-204: who has an account, told by how long the answer takes.
describe('how long an answer takes', () => {
  test('to a request for a login code does not tell who has an account', async () => {
    expect(await verdictOn(askFor('login'))).toBe('alike');
  }, 120_000);

  test('to a request for a registration code does not tell it either', async () => {
    expect(await verdictOn(askFor('register'))).toBe('alike');
  }, 120_000);

  test('to a wrong code does not tell it either', async () => {
    expect(await verdictOn(missLogin)).toBe('alike');
  }, 120_000);

  test('would tell it if known numbers took a little longer: this test has that power', async () => {
    const spreadMs = spreadOf((await sampled(askFor('login'))).unknown);
    // A commit on a disk, or what can be told apart at all while the machine is this busy.
    const delayMs = Math.max(1, spreadMs);
    const leaking: Attempt = async (phone) => {
      const call = await askFor('login')(phone);
      if (!known.includes(phone)) return call;
      return async () => {
        await app.sql('SELECT pg_sleep($1)', [delayMs / 1000]);
        await call();
      };
    };
    expect(await verdictOn(leaking)).toBe('slower when known');
  }, 120_000);
});

/** A difference that shows twice, in the same direction. */
async function verdictOn(attempt: Attempt): Promise<Verdict> {
  const first = judged(await sampled(attempt));
  if (first === 'alike') return 'alike';
  return judged(await sampled(attempt)) === first ? first : 'alike';
}

function judged(times: Times): Verdict {
  const { score, differenceMs } = compareTimes(times.unknown, times.known);
  if (Math.abs(score) < SUSPICION || Math.abs(differenceMs) < NOTICEABLE_MS) return 'alike';
  return score > 0 ? 'slower when known' : 'faster when known';
}

async function sampled(attempt: Attempt): Promise<Times> {
  const times: Times = { known: [], unknown: [] };
  for (let pair = 0; pair < PAIRS + WARM_UP; pair += 1) {
    const order =
      pair % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const);
    for (const kind of order) {
      const number = kind === 'known' ? (known[pair % known.length] ?? '') : newNumber();
      const call = await attempt(number);
      const startedAt = performance.now();
      await call();
      if (pair >= WARM_UP) times[kind].push(performance.now() - startedAt);
    }
  }
  return times;
}

function askFor(purpose: 'login' | 'register'): Attempt {
  return async (phoneNumber) => {
    await forgetAttempts();
    const { auth } = app.clients;
    const from = newcomer();
    if (purpose === 'login')
      return () => settle(auth.requestLoginVerification({ phoneNumber }, from));
    return () => settle(auth.requestRegisterVerification({ phoneNumber }, from));
  };
}

async function missLogin(phoneNumber: string): Promise<() => Promise<unknown>> {
  await forgetAttempts();
  const { auth } = app.clients;
  const from = newcomer();
  const { verificationId } = await auth.requestLoginVerification({ phoneNumber }, from);
  const code = app.inbox.codeFor(phoneNumber) === '000000' ? '000001' : '000000';
  return () => settle(auth.confirmLoginVerification({ verificationId, code }, from));
}

/** An address of its own, over the connection that everybody uses. */
function newcomer(): { headers: Record<string, string> } {
  return { headers: { 'x-auth-client-ip': newAddress() } };
}

/** A number that was used a minute ago costs other rows than a new one; that is not what is asked here. */
async function forgetAttempts(): Promise<void> {
  await app.sql('DELETE FROM phone_attempts');
  await app.sql('DELETE FROM phone_counters');
}
