import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { moveTo, proveNewNumber } from '../support/account.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { newAddress, newNumber, prove, registerPerson } from '../support/person.ts';
import { registerTwoFactorPerson } from '../support/two-factor-person.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

const device = () => ({ deviceId: randomUUID(), deviceType: 'android' });

describe('after an account took a new number', () => {
  test('a login verification that a stranger confirmed before opens nothing, though Redis holds it', async () => {
    const person = await registerPerson(app);
    const phone = newNumber();
    const { verificationId } = await prove(app, 'login', { phone });
    await moveTo(app, person, phone);
    expect(await app.redis.hget(`verification:${verificationId}`, 'confirmed')).toBe('1');
    const login = app.clients.auth.login({ verificationId, ...device() });
    expect((await refusalOf(login)).reason).toBe('VERIFICATION_UNKNOWN');
    expect((await prove(app, 'login', { phone })).phone).toBe(phone);
  });

  test('it starts no recovery and tells nothing of the account either', async () => {
    const person = await registerTwoFactorPerson(app);
    const phone = newNumber();
    const { verificationId } = await prove(app, 'login', { phone });
    await moveTo(app, person, phone);
    const { auth } = app.clients;
    for (const call of [
      () => auth.login({ verificationId, ...device() }),
      () => auth.startRecovery({ verificationId }),
      () => auth.completeRecovery({ verificationId, recoveryId: randomUUID() }),
      () => auth.liftLockdown({ verificationId }),
      () => auth.liftLockdown({ verificationId, token: '123456' }),
    ]) {
      expect((await refusalOf(call())).reason).toBe('VERIFICATION_UNKNOWN');
    }
  });

  test('a register verification of it is ended too, and does not tell of the account', async () => {
    const person = await registerPerson(app);
    const phone = newNumber();
    const { verificationId } = await prove(app, 'register', { phone });
    await moveTo(app, person, phone);
    const register = app.clients.auth.register({ verificationId, ...device() });
    expect((await refusalOf(register)).reason).toBe('VERIFICATION_UNKNOWN');
  });

  test('a code that was sent before and entered after proves nothing', async () => {
    const person = await registerPerson(app);
    const phone = newNumber();
    const stranger = app.clientsAt(newAddress()).auth;
    const { verificationId } = await stranger.requestLoginVerification({ phoneNumber: phone });
    const code = app.inbox.codeFor(phone);
    await moveTo(app, person, phone);
    await stranger.confirmLoginVerification({ verificationId, code });
    const login = stranger.login({ verificationId, ...device() });
    expect((await refusalOf(login)).reason).toBe('VERIFICATION_UNKNOWN');
  });

  test('a code that was sent after it counts, also under the id of before that the app keeps', async () => {
    const person = await registerPerson(app);
    const phone = newNumber();
    const { auth } = app.clientsAt(newAddress());
    const { verificationId } = await auth.requestLoginVerification({ phoneNumber: phone });
    await moveTo(app, person, phone);
    await app.sql(`UPDATE phone_attempts SET created_at = created_at - interval '5 minutes'`);
    await auth.requestLoginVerification({ phoneNumber: phone });
    await auth.confirmLoginVerification({ verificationId, code: app.inbox.codeFor(phone) });
    const answer = await auth.login({ verificationId, ...device() });
    expect(answer.userId).toBe(person.userId);
  });

  test('another account that proved it in order to take it is too late', async () => {
    const [person, rival] = [await registerPerson(app), await registerPerson(app)];
    const phone = newNumber();
    const proven = await proveNewNumber(app, rival, phone);
    await moveTo(app, person, phone);
    await app.sql(`UPDATE sessions SET created_at = now() - interval '8 days' WHERE id = $1`, [
      rival.sessionId,
    ]);
    const changing = app.clients.auth.changePhoneNumber(
      { newNumberVerificationId: proven.verificationId },
      bearer(rival.accessToken),
    );
    expect((await refusalOf(changing)).reason).toBe('VERIFICATION_UNKNOWN');
  });
});

describe('after an account gave a number up', () => {
  test('the number is free, but not for a verification of before', async () => {
    const person = await registerPerson(app);
    const old = await prove(app, 'register', { phone: person.phone });
    await moveTo(app, person);
    const early = app.clients.auth.register({ verificationId: old.verificationId, ...device() });
    expect((await refusalOf(early)).reason).toBe('VERIFICATION_UNKNOWN');
    const { verificationId } = await prove(app, 'register', { phone: person.phone });
    const next = await app.clients.auth.register({ verificationId, ...device() });
    expect(next.userId).not.toBe(person.userId);
  });

  test('events of a number follow each other, whoever it belongs to', async () => {
    const leaver = await registerPerson(app);
    await app.clients.auth.deleteAccount({}, bearer(leaver.accessToken));
    const mover = await registerPerson(app);
    await moveTo(app, mover, leaver.phone);
    const { verificationId } = await prove(app, 'register', { phone: mover.phone });
    const next = await app.clients.auth.register({ verificationId, ...device() });
    const rows = await app.sql<{ type: string; keys: (string | null)[] }>(
      `SELECT type, ARRAY[encode(phone_key, 'hex'), encode(freed_phone_key, 'hex')] AS keys
         FROM outbox WHERE account_id = ANY ($1) AND (phone_key IS NOT NULL OR freed_phone_key IS NOT NULL)
        ORDER BY id`,
      [[leaver.userId, mover.userId, next.userId]],
    );
    expect(rows.map(({ type }) => type)).toEqual([
      'user.registered',
      'user.deprovisioned',
      'user.registered',
      'phone.changed',
      'user.registered',
    ]);
    const [opened, deleted, registered, changed, reused] = rows.map(({ keys }) => keys);
    expect(deleted).toEqual([null, opened?.[0]]);
    expect(changed).toEqual([opened?.[0], registered?.[0]]);
    expect(reused?.[0]).toBe(registered?.[0]);
  });
});
