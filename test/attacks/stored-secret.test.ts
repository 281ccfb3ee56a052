import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Secret } from 'otpauth';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { approvedDevice, complete } from '../support/link.ts';
import { legacyBundle, newNumber, prove, registerPerson } from '../support/person.ts';
import { challengeOf, codeOf, registerTwoFactorPerson } from '../support/two-factor-person.ts';
import { everythingStored, placesOf } from './store-walk.ts';
import type { Stored } from './store-walk.ts';

const ADDRESS = '198.18.77.201';
let app: TestApp;
/** Everything that passed through the service and that nobody may read from its stores. */
const seen: Record<'codes' | 'tokens' | 'numbers' | 'secrets', string[]> = {
  codes: [],
  tokens: [],
  numbers: [],
  /** Of the second factor and of QR logins. */
  secrets: [],
};
let proofs: string[];
let stored: Stored[];

beforeAll(async () => {
  app = await startApp();
  proofs = [await useEverything(), await leaveHalfWay()];
  await useSecondFactor();
  await useQr();
  stored = await everythingStored(app);
});
afterAll(() => app.stop());

/** A person registers, mistypes, signs in again, refreshes and asks for a ws-token. */
async function useEverything(): Promise<string> {
  const clients = app.clientsAt(ADDRESS);
  const { auth } = clients;
  const { phone, verificationId } = await prove(app, 'register', { clients });
  const device = { deviceId: randomUUID(), deviceName: 'Phone', deviceType: 'ios' };
  const entry = { ...device, verificationId, signalKeyBundle: legacyBundle() };
  const first = await auth.register(entry);
  const asked = await auth.requestLoginVerification({ phoneNumber: phone });
  const right = app.inbox.codeFor(phone);
  const wrong = {
    verificationId: asked.verificationId,
    code: right === '111111' ? '222222' : '111111',
  };
  await refusalOf(auth.confirmLoginVerification(wrong));
  await auth.confirmLoginVerification({ verificationId: asked.verificationId, code: right });
  const second = await auth.login({ ...device, verificationId: asked.verificationId });
  const third = await auth.refreshTokens({ refreshToken: second.refreshToken });
  const { wsToken } = await auth.createWsToken({}, bearer(first.accessToken));
  const kept = [first, second, third].flatMap((pair) => [pair.accessToken, pair.refreshToken]);
  seen.tokens.push(wsToken, ...kept);
  seen.codes.push(...app.inbox.codesFor(phone));
  seen.numbers.push(phone);
  return asked.verificationId;
}

/** A number whose code is out, and one that is proven and not yet used. */
async function leaveHalfWay(): Promise<string> {
  const clients = app.clientsAt(ADDRESS);
  const phone = newNumber();
  await clients.auth.requestRegisterVerification({ phoneNumber: phone });
  const proven = await prove(app, 'login', { clients });
  for (const number of [phone, proven.phone]) {
    seen.numbers.push(number);
    seen.codes.push(...app.inbox.codesFor(number));
  }
  return proven.verificationId;
}

/** Set up and on, a login that waits for the factor, one that passed it, a lost factor, one not yet on. */
async function useSecondFactor(): Promise<void> {
  const person = await registerTwoFactorPerson(app);
  const { auth } = app.clients;
  const { secret } = await auth.setUpTwoFactor({}, bearer((await registerPerson(app)).accessToken));
  const challenge = await challengeOf(app, person.phone);
  const passed = await challengeOf(app, person.phone);
  const pair = await auth.useBackupCode({ challenge: passed, token: person.backupCodes[0] ?? '' });
  const codes = person.backupCodes.flatMap((code) => [code, code.replaceAll('-', '')]);
  const raw = [person.secret, secret].map((text) => Secret.fromBase32(text).hex);
  const totp = [codeOf(person.secret), codeOf(person.secret, -1)];
  seen.secrets.push(person.secret, secret, ...raw, ...codes, ...totp, challenge, passed);
  seen.tokens.push(pair.accessToken ?? '', pair.refreshToken ?? '');
  seen.numbers.push(person.phone);
}

/** One that waits to be completed, and one that was. */
async function useQr(): Promise<void> {
  const owner = await registerPerson(app);
  const [waiting, done] = [await approvedDevice(app, owner), await approvedDevice(app, owner)];
  const pair = await complete(done);
  for (const { key, started } of [waiting, done]) {
    const { d = '' } = key.privateKey.export({ format: 'jwk' });
    seen.secrets.push(d, started.qrText);
  }
  seen.tokens.push(pair.accessToken, pair.refreshToken);
  seen.numbers.push(owner.phone);
}

// CWE-312, CWE-532: what a copied database, a Redis without a password or a log collector gives away.
describe('somebody who copied PostgreSQL and Redis', () => {
  test('finds what they look for where it is known to be: the walk itself works', () => {
    expect(stored.length).toBeGreaterThan(300);
    expect(placesOf(stored, seen.numbers)).toContain('users_auth.phone_number');
    expect(placesOf([{ where: 'a', text: `x ${seen.codes[0] ?? ''} y` }], seen.codes)).toEqual([
      'a',
    ]);
    const hashed = createHash('sha256')
      .update(seen.codes[0] ?? '')
      .digest('base64');
    expect(placesOf([{ where: 'b', text: `{"h":"${hashed}"}` }], seen.codes)).toEqual(['b']);
  });

  test('finds no code, under no digest that has no key', () => {
    expect(seen.codes).toHaveLength(4);
    expect(placesOf(stored, seen.codes)).toEqual([]);
    const withIds = proofs.flatMap((id) => seen.codes.flatMap((code) => [id + code, code + id]));
    const withNumbers = seen.numbers.flatMap((n) =>
      seen.codes.flatMap((code) => [n + code, code + n]),
    );
    expect(placesOf(stored, [...withIds, ...withNumbers])).toEqual([]);
  });

  test('finds no token, whole or in part', () => {
    expect(seen.tokens).toHaveLength(11);
    const parts = seen.tokens.flatMap((token) => token.split('.').slice(1));
    expect(placesOf(stored, [...seen.tokens, ...parts])).toEqual([]);
  });

  test('finds no authenticator secret, backup code, challenge or QR code, plain or digested', () => {
    expect(seen.secrets).toHaveLength(32);
    const places = placesOf(stored, seen.secrets);
    // A challenge is 256 random bits: its digest is its name and tells nothing.
    expect(places.filter((where) => where !== 'two_factor_challenges.id')).toEqual([]);
    const plain = stored.filter(({ text }) => seen.secrets.some((secret) => text.includes(secret)));
    expect(plain).toEqual([]);
  });

  test('finds numbers only where a number is needed', () => {
    expect(placesOf(stored, seen.numbers)).toEqual([
      'outbox.payload',
      'redis verification',
      'two_factor_challenges.phone_number',
      'users_auth.phone_number',
    ]);
    const bare = seen.numbers.map((number) => number.slice(1));
    expect(placesOf(stored, bare).filter((where) => where.includes('(key)'))).toEqual([]);
  });

  test('finds no whole address of anybody', () => {
    expect(placesOf(stored, [ADDRESS])).toEqual([]);
  });

  test('finds no private key', () => {
    const { KEY_ENCRYPTION_KEYS = '', CODE_PEPPERS = '' } = app.settings;
    const keys = [KEY_ENCRYPTION_KEYS, CODE_PEPPERS].map((text) => text.split(':')[1] ?? '');
    expect(placesOf(stored, keys)).toEqual([]);
    expect(stored.filter(({ text }) => /"d":|PRIVATE KEY/.test(text))).toEqual([]);
  });
});

describe('somebody who reads every log line', () => {
  test('finds no code, token, proof, number, address or key', () => {
    const lines = app.logs.map((text) => ({ where: 'log', text }));
    expect(lines.length).toBeGreaterThan(10);
    const { codes, tokens, numbers, secrets } = seen;
    const all = [...codes, ...tokens, ...proofs, ...numbers, ...secrets, ADDRESS];
    expect(placesOf(lines, all)).toEqual([]);
  });
});

test('the proofs of numbers are found in no row that outlives them', () => {
  const places = placesOf(stored, proofs).filter(
    (where) => !where.startsWith('redis verification'),
  );
  expect(places).toEqual(['consumed_verifications.id']);
});
