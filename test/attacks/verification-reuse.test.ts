import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { countReasons, refusalOf, together } from '../support/client.ts';
import { newAddress, newNumber, prove, registerPerson } from '../support/person.ts';

const CALLERS = 64;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

// A proof that is checked in one step and deleted in another is good for as many sessions as requests
// fit in between; the service that this one replaces gave four for one backup code.
describe('one proof of a number', () => {
  test('opens one session in 64 parallel logins at two replicas', async () => {
    const { phone } = await registerPerson(app);
    const { verificationId } = await prove(app, 'login', { phone });
    const replica = await app.replica();
    const services = [app, replica];
    const calls = await together(CALLERS, (index) =>
      login(services[index % 2] ?? app, verificationId),
    );
    expect(countReasons(calls)).toEqual({ OK: 1, VERIFICATION_SPENT: CALLERS - 1 });
    await replica.stop();
  });

  test('that registered an account logs nobody in, and the other way round', async () => {
    const registered = await prove(app, 'register');
    await register(registered.verificationId);
    const asLogin = await refusalOf(login(app, registered.verificationId));
    expect(['VERIFICATION_UNKNOWN', 'VERIFICATION_SPENT']).toContain(asLogin.reason);
    const loggedIn = await prove(app, 'login', { phone: registered.phone });
    await login(app, loggedIn.verificationId);
    const asRegister = await refusalOf(register(loggedIn.verificationId));
    expect(['VERIFICATION_UNKNOWN', 'VERIFICATION_SPENT']).toContain(asRegister.reason);
  });

  test('is spent for good although Redis brings its record back', async () => {
    const { phone } = await registerPerson(app);
    const { verificationId } = await prove(app, 'login', { phone });
    const record = await app.redis.hgetall(`verification:${verificationId}`);
    await login(app, verificationId);
    await app.redis.hset(`verification:${verificationId}`, record);
    const calls = await together(CALLERS, () => login(app, verificationId));
    expect(countReasons(calls)).toEqual({ VERIFICATION_SPENT: CALLERS });
  });

  test('ends when another id of its number is proven, before or after it was used', async () => {
    const { phone } = await registerPerson(app);
    const clients = app.clientsAt(newAddress());
    const older = await prove(app, 'login', { phone, clients });
    const newer = await prove(app, 'login', { phone, clients });
    expect((await refusalOf(login(app, older.verificationId))).reason).toBe('VERIFICATION_UNKNOWN');
    await login(app, newer.verificationId);
  });

  test('counts as one in whatever case its id is written', async () => {
    const { phone } = await registerPerson(app);
    const { verificationId } = await prove(app, 'login', { phone });
    const spellings = [verificationId, verificationId.toUpperCase()];
    const calls = await together(CALLERS, (index) =>
      login(app, spellings[index % 2] ?? verificationId),
    );
    expect(countReasons(calls)).toEqual({ OK: 1, VERIFICATION_SPENT: CALLERS - 1 });
  });
});

// A server that answers a resend with the same id, or binds a code to the number only, hands the account
// to whoever asked for the victim's number first.
describe('a stranger who asked for the victim’s number first and holds an id', () => {
  test('cannot use it after the victim entered a code, nor have it confirmed by the victim’s code', async () => {
    const { phone } = await registerPerson(app);
    const stranger = app.clientsAt(newAddress()).auth;
    const victim = app.clientsAt(newAddress()).auth;
    const early = await stranger.requestLoginVerification({ phoneNumber: phone });
    const own = await victim.requestLoginVerification({ phoneNumber: phone });
    expect(own.verificationId).not.toBe(early.verificationId);
    const [strangers = '', code = ''] = app.inbox.codesFor(phone).slice(-2);
    if (code !== strangers) {
      const guess = { verificationId: early.verificationId, code };
      const { reason } = await refusalOf(stranger.confirmLoginVerification(guess));
      expect(reason).toBe('CODE_WRONG');
    }
    await victim.confirmLoginVerification({ verificationId: own.verificationId, code });
    const taken = await refusalOf(login(app, early.verificationId));
    expect(taken.reason).toBe('VERIFICATION_UNKNOWN');
    const late = { verificationId: early.verificationId, code: strangers };
    const { reason } = await refusalOf(stranger.confirmLoginVerification(late));
    expect(reason).toBe('VERIFICATION_UNKNOWN');
    await login(app, own.verificationId);
  });

  test('cannot get the victim’s code tried against an id by asking again in between', async () => {
    const phone = newNumber();
    const victim = app.clientsAt(newAddress()).auth;
    const own = await victim.requestRegisterVerification({ phoneNumber: phone });
    const code = app.inbox.codeFor(phone);
    const stranger = app.clientsAt(newAddress()).auth;
    const later = await stranger.requestRegisterVerification({ phoneNumber: phone });
    await victim.confirmRegisterVerification({ verificationId: own.verificationId, code });
    const taken = await refusalOf(register(later.verificationId));
    expect(taken.reason).toBe('VERIFICATION_UNKNOWN');
    await register(own.verificationId);
  });

  test('spends only checks of a code of their own with an id of their own', async () => {
    const phone = newNumber();
    const victim = app.clientsAt(newAddress()).auth;
    const stranger = app.clientsAt(newAddress()).auth;
    const own = await victim.requestRegisterVerification({ phoneNumber: phone });
    const code = app.inbox.codeFor(phone);
    const theirs = await stranger.requestRegisterVerification({ phoneNumber: phone });
    const wrong = code === '000000' ? '000001' : '000000';
    for (let miss = 0; miss < 6; miss += 1) {
      const guess = { verificationId: theirs.verificationId, code: wrong };
      await refusalOf(stranger.confirmRegisterVerification(guess));
    }
    await victim.confirmRegisterVerification({ verificationId: own.verificationId, code });
    await register(own.verificationId);
  });
});

function login(service: TestApp, verificationId: string) {
  const device = { verificationId, deviceId: randomUUID(), deviceType: 'web' };
  return service.clients.auth.login(device);
}

function register(verificationId: string) {
  const device = { verificationId, deviceId: randomUUID(), deviceType: 'web' };
  return app.clients.auth.register(device);
}
