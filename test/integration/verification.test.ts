import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { refusalOf } from '../support/client.ts';
import type { Clients } from '../support/client.ts';
import { newAddress, newNumber, prove, registerPerson, signIn } from '../support/person.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('asking for a code', () => {
  test('answers known and unknown numbers alike, and sends both a working code', async () => {
    const known = (await registerPerson(app)).phone;
    const unknown = newNumber();
    const { auth } = app.clientsAt(newAddress());
    for (const phoneNumber of [known, unknown]) {
      const answer = await auth.requestLoginVerification({ phoneNumber });
      expect(answer).toMatchObject({ expiresIn: 300, resendAfter: 30 });
      const { verificationId } = answer;
      const code = app.inbox.codeFor(phoneNumber);
      const confirmed = await auth.confirmLoginVerification({ verificationId, code });
      expect(confirmed).toMatchObject({ verified: true, requiresTwoFactor: false });
      expect(confirmed.expiresIn).toBe(900);
    }
  });

  test('tells of a missing account only after the number is proven, verification unspent', async () => {
    const { phone, verificationId } = await prove(app, 'login');
    const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
    const refusal = await refusalOf(app.clients.auth.login(device));
    expect(refusal).toMatchObject({ reason: 'ACCOUNT_NOT_FOUND', code: 9 });
    expect((await refusalOf(app.clients.auth.login(device))).reason).toBe('ACCOUNT_NOT_FOUND');
    await register(phone);
    await app.clients.auth.login(device);
  });

  test.each([
    ['spaces', (number: string) => `${number.slice(0, 3)} ${number.slice(3)}`],
    ['dashes', (number: string) => `${number.slice(0, 5)}-${number.slice(5)}`],
    [
      'brackets',
      (number: string) => `${number.slice(0, 3)} (${number.slice(3, 5)}) ${number.slice(5)}`,
    ],
  ] as const)('counts a number once however it is written: %s', async (_name, written) => {
    const phone = newNumber();
    const { auth } = app.clientsAt(newAddress());
    await auth.requestRegisterVerification({ phoneNumber: phone });
    const refusal = await refusalOf(
      auth.requestRegisterVerification({ phoneNumber: written(phone) }),
    );
    expect(refusal).toMatchObject({
      reason: 'RATE_LIMITED',
      metadata: { limit: 'phone_cooldown' },
    });
    expect(refusal.retryDelayMs).toBeGreaterThan(25_000);
  });

  test.each([
    '+1',
    'phone',
    '',
    '+999123456789',
    '0612345678',
    '+33899123456',
    '+18005550199',
    '+336123456789012',
  ])('refuses %p with a reason about the field', async (phoneNumber) => {
    const call = app.clients.auth.requestRegisterVerification({ phoneNumber });
    expect(['NUMBER_REFUSED', 'VALIDATION_FAILED']).toContain((await refusalOf(call)).reason);
  });

  test('waits 30, 60, 120 and 300 seconds between sends, and a proven code resets the wait', async () => {
    const phone = newNumber();
    const clients = app.clientsAt(newAddress());
    const waits: (number | undefined)[] = [];
    for (const expected of [30, 60, 120]) {
      const { resendAfter } = await clients.auth.requestLoginVerification({ phoneNumber: phone });
      expect(resendAfter).toBe(expected);
      waits.push((await refusalOf(ask(clients, phone))).retryDelayMs);
      await passTime(phone, `${expected} seconds`);
    }
    expect(waits.map((wait) => Math.round((wait ?? 0) / 1000))).toEqual([30, 60, 120]);
    await passTime(phone, '2 hours');
    await prove(app, 'login', { phone, clients });
    const { resendAfter } = await clients.auth.requestLoginVerification({ phoneNumber: phone });
    expect(resendAfter).toBe(30);
  });
});

test('a wrong code costs one commit whether the number has an account or not', async () => {
  const known = (await registerPerson(app)).phone;
  const written: unknown[] = [];
  for (const phoneNumber of [known, newNumber()]) {
    const { auth } = app.clientsAt(newAddress());
    const { verificationId } = await auth.requestLoginVerification({ phoneNumber });
    const code = app.inbox.codeFor(phoneNumber) === '111111' ? '222222' : '111111';
    const audit = `SELECT count(*)::int AS count FROM audit_events
                    WHERE type = 'verification.code_wrong'`;
    const [before] = await app.sql<{ count: number }>(audit);
    await refusalOf(auth.confirmLoginVerification({ verificationId, code }));
    const [after] = await app.sql<{ count: number }>(audit);
    written.push((after?.count ?? 0) - (before?.count ?? 0));
  }
  expect(written).toEqual([1, 1]);
});

describe('a resend', () => {
  test('makes the first id accept the newer code and no longer its own', async () => {
    const phone = newNumber();
    const { auth } = app.clientsAt(newAddress());
    const { verificationId } = await auth.requestRegisterVerification({ phoneNumber: phone });
    await passTime(phone, '1 minute');
    await auth.requestRegisterVerification({ phoneNumber: phone });
    const [older = '', newer = ''] = app.inbox.codesFor(phone);
    if (older !== newer) {
      const wrong = await refusalOf(
        auth.confirmRegisterVerification({ verificationId, code: older }),
      );
      expect(wrong).toMatchObject({ reason: 'CODE_WRONG', metadata: { checksLeft: '4' } });
    }
    await auth.confirmRegisterVerification({ verificationId, code: newer });
    await auth.confirmRegisterVerification({ verificationId, code: newer });
    await app.clients.auth.register({ verificationId, deviceId: randomUUID(), deviceType: 'web' });
  });

  test('asked for by a stranger first gives the stranger nothing when the owner confirms', async () => {
    const phone = newNumber();
    const stranger = app.clientsAt(newAddress()).auth;
    const owner = app.clientsAt(newAddress()).auth;
    const early = await stranger.requestRegisterVerification({ phoneNumber: phone });
    const own = await owner.requestRegisterVerification({ phoneNumber: phone });
    const code = app.inbox.codeFor(phone);
    const [strangersCode] = app.inbox.codesFor(phone);
    if (code !== strangersCode) {
      const stolen = { verificationId: early.verificationId, code };
      expect((await refusalOf(stranger.confirmRegisterVerification(stolen))).reason).toBe(
        'CODE_WRONG',
      );
    }
    await owner.confirmRegisterVerification({ verificationId: own.verificationId, code });
    const device = { deviceId: randomUUID(), deviceType: 'ios' };
    const taken = stranger.register({ ...device, verificationId: early.verificationId });
    expect((await refusalOf(taken)).reason).toBe('VERIFICATION_UNKNOWN');
    await owner.register({ ...device, verificationId: own.verificationId });
  });
});

describe('a code', () => {
  test('of one purpose is worth nothing for the other', async () => {
    const { phone } = await registerPerson(app);
    const { verificationId } = await prove(app, 'login', { phone });
    const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
    expect((await refusalOf(app.clients.auth.register(device))).reason).toBe(
      'VERIFICATION_UNKNOWN',
    );
    const code = app.inbox.codeFor(phone);
    const crossed = app.clients.auth.confirmRegisterVerification({ verificationId, code });
    expect((await refusalOf(crossed)).reason).toBe('VERIFICATION_UNKNOWN');
  });

  test('that was not entered registers nobody', async () => {
    const { verificationId } = await ask(app.clientsAt(newAddress()), newNumber());
    const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
    expect((await refusalOf(app.clients.auth.login(device))).reason).toBe(
      'VERIFICATION_UNCONFIRMED',
    );
  });

  test('is stored neither in Redis nor in PostgreSQL in a form that it can be read from', async () => {
    const phone = newNumber();
    const { verificationId } = await ask(app.clientsAt(newAddress()), phone);
    const record = await app.redis.hgetall(`verification:${verificationId}`);
    expect(JSON.stringify(record)).not.toContain(app.inbox.codeFor(phone));
    expect(app.logs.join('')).not.toContain(phone);
  });
});

test('an address that signed in before keeps a reserve when strangers used up the sends', async () => {
  const home = app.clientsAt(newAddress());
  const { phone, verificationId } = await prove(app, 'register', { clients: home });
  const device = { deviceId: randomUUID(), deviceType: 'ios' };
  await home.auth.register({ ...device, verificationId });
  for (let sent = 0; sent < 10; sent += 1) {
    await ask(app.clientsAt(newAddress()), phone);
  }
  const again = await prove(app, 'login', { phone, clients: home });
  await home.auth.login({ ...device, verificationId: again.verificationId });
  await signIn(app, phone);
});

function ask(clients: Clients, phoneNumber: string) {
  return clients.auth.requestLoginVerification({ phoneNumber });
}

async function register(phone: string): Promise<void> {
  const { verificationId } = await prove(app, 'register', { phone });
  await app.clients.auth.register({ verificationId, deviceId: randomUUID(), deviceType: 'ios' });
}

/** Every attempt so far is older by `duration`; only tests of one number at a time need it. */
async function passTime(phone: string, duration: string): Promise<void> {
  expect(app.inbox.count(phone)).toBeGreaterThan(0);
  await app.sql('UPDATE phone_attempts SET created_at = created_at - $1::interval', [duration]);
}
