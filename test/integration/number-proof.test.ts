import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  ageSession,
  changeNumber,
  phoneOf,
  proveNewNumber,
  proveOldNumber,
} from '../support/account.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { newAddress, newNumber, prove, registerPerson, signIn } from '../support/person.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('a verification of a number change', () => {
  test('exists for no other account, session or purpose, neither to confirm nor to use', async () => {
    const [person, stranger] = [await registerPerson(app), await registerPerson(app)];
    const second = await signIn(app, person.phone);
    const { auth } = app.clientsAt(newAddress());
    const phone = newNumber();
    const as = bearer(person.accessToken);
    const { verificationId } = await auth.requestNewNumberVerification({ phoneNumber: phone }, as);
    const confirmation = { verificationId, code: app.inbox.codeFor(phone) };
    for (const other of [stranger, second]) {
      const by = bearer(other.accessToken);
      const confirming = auth.confirmNewNumberVerification(confirmation, by);
      expect((await refusalOf(confirming)).reason).toBe('VERIFICATION_UNKNOWN');
    }
    for (const confirm of [
      () => auth.confirmOldNumberVerification(confirmation, as),
      () => auth.confirmRegisterVerification(confirmation),
      () => auth.confirmLoginVerification(confirmation),
    ]) {
      expect((await refusalOf(confirm())).reason).toBe('VERIFICATION_UNKNOWN');
    }
    await auth.confirmNewNumberVerification(confirmation, as);
    await ageSession(app, second.sessionId, 8);
    await ageSession(app, stranger.sessionId, 8);
    for (const thief of [stranger, second]) {
      const using = changeNumber(app, thief, { newNumberVerificationId: verificationId });
      expect((await refusalOf(using)).reason).toBe('VERIFICATION_UNKNOWN');
    }
    const registering = auth.register({ verificationId, deviceId: randomUUID() });
    expect((await refusalOf(registering)).reason).toBe('VERIFICATION_UNKNOWN');
  });

  test('of the new number proves nothing in place of the old one, nor the other way round', async () => {
    const person = await registerPerson(app);
    const next = await proveNewNumber(app, person);
    const old = await proveOldNumber(app, person);
    for (const proofs of [
      { newNumberVerificationId: old, oldNumberVerificationId: next.verificationId },
      {
        newNumberVerificationId: next.verificationId,
        oldNumberVerificationId: next.verificationId,
      },
      { newNumberVerificationId: old, oldNumberVerificationId: old },
    ]) {
      expect((await refusalOf(changeNumber(app, person, proofs))).reason).toBe(
        'VERIFICATION_UNKNOWN',
      );
    }
    expect(await phoneOf(app, person.userId)).toBe(person.phone);
  });

  test('that another purpose confirmed for the number is no proof', async () => {
    const person = await registerPerson(app);
    await ageSession(app, person.sessionId, 8);
    const login = await prove(app, 'login', { phone: person.phone });
    const register = await prove(app, 'register');
    const next = await proveNewNumber(app, person);
    const withLogin = changeNumber(app, person, {
      newNumberVerificationId: next.verificationId,
      oldNumberVerificationId: login.verificationId,
    });
    expect((await refusalOf(withLogin)).reason).toBe('VERIFICATION_UNKNOWN');
    const withRegister = changeNumber(app, person, {
      newNumberVerificationId: register.verificationId,
    });
    expect((await refusalOf(withRegister)).reason).toBe('VERIFICATION_UNKNOWN');
  });

  test('whose code was not entered is no proof', async () => {
    const person = await registerPerson(app);
    await ageSession(app, person.sessionId, 8);
    const { verificationId } = await app
      .clientsAt(newAddress())
      .auth.requestNewNumberVerification({ phoneNumber: newNumber() }, bearer(person.accessToken));
    const changing = changeNumber(app, person, { newNumberVerificationId: verificationId });
    expect((await refusalOf(changing)).reason).toBe('VERIFICATION_UNCONFIRMED');
  });
});
