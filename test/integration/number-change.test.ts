import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  ageSession,
  auditOf,
  changeNumber,
  moveTo,
  phoneOf,
  proveNewNumber,
  proveOldNumber,
  toldTo,
} from '../support/account.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { letSleep } from '../support/dormant.ts';
import { newAddress, newNumber, registerPerson, signIn } from '../support/person.ts';
import { codeOf, registerTwoFactorPerson, wrongCodeFor } from '../support/two-factor-person.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('asking for a code in order to change the number', () => {
  test('is refused to a junior session, for either number', async () => {
    const person = await registerPerson(app);
    const junior = await signIn(app, person.phone);
    const as = bearer(junior.accessToken);
    const old = app.clients.auth.requestOldNumberVerification({}, as);
    expect((await refusalOf(old)).reason).toBe('STEP_UP_REQUIRED');
    const request = { phoneNumber: newNumber() };
    const next = app.clients.auth.requestNewNumberVerification(request, as);
    expect((await refusalOf(next)).reason).toBe('STEP_UP_REQUIRED');
  });

  test('is refused for the number that the account has, however it is spelt', async () => {
    const person = await registerPerson(app);
    const phoneNumber = `${person.phone.slice(0, 3)} (0)${person.phone.slice(3)}`;
    const asking = app.clients.auth.requestNewNumberVerification(
      { phoneNumber },
      bearer(person.accessToken),
    );
    expect((await refusalOf(asking)).reason).toBe('NUMBER_UNCHANGED');
  });

  test('is refused for a number that gets no codes', async () => {
    const person = await registerPerson(app);
    const asking = app.clients.auth.requestNewNumberVerification(
      { phoneNumber: '+33899701234' },
      bearer(person.accessToken),
    );
    expect((await refusalOf(asking)).reason).toBe('NUMBER_REFUSED');
  });

  test('answers alike for a number with and without an account', async () => {
    const [person, other] = [await registerPerson(app), await registerPerson(app)];
    const { auth } = app.clientsAt(newAddress());
    const ask = (phoneNumber: string) =>
      auth.requestNewNumberVerification({ phoneNumber }, bearer(person.accessToken));
    const [known, unknown] = [await ask(other.phone), await ask(newNumber())];
    expect([known.expiresIn, known.resendAfter]).toEqual([unknown.expiresIn, unknown.resendAfter]);
    expect(app.inbox.count(other.phone)).toBe(2);
  });

  test('shows no code to a wrong one, and records it for the account', async () => {
    const person = await registerPerson(app);
    const as = bearer(person.accessToken);
    const { verificationId } = await app
      .clientsAt(newAddress())
      .auth.requestOldNumberVerification({}, as);
    const right = app.inbox.codeFor(person.phone);
    const code = right === '000000' ? '111111' : '000000';
    const wrong = app.clients.auth.confirmOldNumberVerification({ verificationId, code }, as);
    expect((await refusalOf(wrong)).reason).toBe('CODE_WRONG');
    expect(await auditOf(app, person.userId)).toContain('verification.code_wrong CODE_WRONG');
  });
});

describe('changing the number', () => {
  test('takes one more proof than the new number', async () => {
    const person = await registerPerson(app);
    await ageSession(app, person.sessionId, 6);
    const { verificationId } = await proveNewNumber(app, person);
    const changing = changeNumber(app, person, { newNumberVerificationId: verificationId });
    expect((await refusalOf(changing)).reason).toBe('STEP_UP_REQUIRED');
    expect(await phoneOf(app, person.userId)).toBe(person.phone);
  });

  test('by the old number keeps the account, and tells services, owner and auditor', async () => {
    const person = await registerPerson(app);
    const phone = await moveTo(app, person);
    expect(await phoneOf(app, person.userId)).toBe(phone);
    expect(await toldTo(app, person.userId)).toEqual(['NUMBER_CHANGED']);
    expect(await auditOf(app, person.userId)).toContain('account.number_changed');
    const again = await signIn(app, phone);
    expect(again.userId).toBe(person.userId);
    const account = await app.clients.auth.getAccount({}, bearer(person.accessToken));
    expect(account.maskedPhoneNumber).toBe(`+33…${phone.slice(-2)}`);
  });

  test('by a session older than seven days needs no other proof', async () => {
    const person = await registerPerson(app);
    await ageSession(app, person.sessionId, 8);
    const { phone, verificationId } = await proveNewNumber(app, person);
    const answer = await changeNumber(app, person, { newNumberVerificationId: verificationId });
    expect(answer.maskedPhoneNumber).toBe(`+33…${phone.slice(-2)}`);
    expect(await phoneOf(app, person.userId)).toBe(phone);
  });

  test('by a second factor refuses a wrong code, takes a right one and burns it', async () => {
    const person = await registerTwoFactorPerson(app);
    const { verificationId } = await proveNewNumber(app, person);
    const proofs = { newNumberVerificationId: verificationId };
    const wrong = changeNumber(app, person, { ...proofs, token: wrongCodeFor(person.secret) });
    expect((await refusalOf(wrong)).reason).toBe('TWO_FACTOR_CODE_WRONG');
    const token = codeOf(person.secret);
    await changeNumber(app, person, { ...proofs, token });
    const next = await proveNewNumber(app, person);
    const again = changeNumber(app, person, {
      newNumberVerificationId: next.verificationId,
      token,
    });
    expect((await refusalOf(again)).reason).toBe('TWO_FACTOR_CODE_WRONG');
    const [backupCode = ''] = person.backupCodes;
    await changeNumber(app, person, {
      newNumberVerificationId: next.verificationId,
      token: backupCode,
    });
    expect(await phoneOf(app, person.userId)).toBe(next.phone);
  });

  test('asks for no code of a person without a second factor', async () => {
    const person = await registerPerson(app);
    const { verificationId } = await proveNewNumber(app, person);
    const changing = changeNumber(app, person, {
      newNumberVerificationId: verificationId,
      token: '123456',
    });
    expect((await refusalOf(changing)).reason).toBe('TWO_FACTOR_NOT_ENABLED');
  });

  test('is refused to a junior session, whatever it proves', async () => {
    const person = await registerTwoFactorPerson(app);
    const { verificationId } = await proveNewNumber(app, person);
    await app.sql(
      `INSERT INTO sessions SELECT gen_random_uuid(), user_id, device_id, 0, now(), '{}', auth_time, amr,
              acr, ip_prefix, created_at - interval '1 day', now(), idle_expires_at, absolute_expires_at
         FROM sessions WHERE id = $1`,
      [person.sessionId],
    );
    const token = codeOf(person.secret);
    const changing = changeNumber(app, person, { newNumberVerificationId: verificationId, token });
    expect((await refusalOf(changing)).reason).toBe('STEP_UP_REQUIRED');
  });

  test('to a number with an account is refused after proof only, and spends nothing', async () => {
    const [person, other] = [await registerPerson(app), await registerPerson(app)];
    await ageSession(app, person.sessionId, 8);
    const { verificationId } = await proveNewNumber(app, person, other.phone);
    const proofs = { newNumberVerificationId: verificationId };
    expect((await refusalOf(changeNumber(app, person, proofs))).reason).toBe('NUMBER_TAKEN');
    expect(await auditOf(app, person.userId)).toContain(
      'account.number_change_refused NUMBER_TAKEN',
    );
    await app.clients.auth.deleteAccount({}, bearer(other.accessToken));
    expect((await refusalOf(changeNumber(app, person, proofs))).reason).toBe(
      'VERIFICATION_UNKNOWN',
    );
    const again = await proveNewNumber(app, person, other.phone);
    await changeNumber(app, person, { newNumberVerificationId: again.verificationId });
    expect(await phoneOf(app, person.userId)).toBe(other.phone);
  });

  test('gives a try back whose right code met a number that is taken', async () => {
    const [person, other] = [await registerTwoFactorPerson(app), await registerPerson(app)];
    const { verificationId } = await proveNewNumber(app, person, other.phone);
    for (let time = 0; time < 6; time += 1) {
      const proofs = { newNumberVerificationId: verificationId, token: codeOf(person.secret) };
      expect((await refusalOf(changeNumber(app, person, proofs))).reason).toBe('NUMBER_TAKEN');
    }
  });

  test('never takes the number of a dormant account', async () => {
    const [person, sleeper] = [await registerPerson(app), await registerPerson(app)];
    await letSleep(app, sleeper.userId);
    await ageSession(app, person.sessionId, 8);
    const { verificationId } = await proveNewNumber(app, person, sleeper.phone);
    const changing = changeNumber(app, person, { newNumberVerificationId: verificationId });
    expect((await refusalOf(changing)).reason).toBe('NUMBER_TAKEN');
    expect(await phoneOf(app, sleeper.userId)).toBe(sleeper.phone);
  });

  test('uses its verifications up', async () => {
    const person = await registerPerson(app);
    const next = await proveNewNumber(app, person);
    const proofs = {
      newNumberVerificationId: next.verificationId,
      oldNumberVerificationId: await proveOldNumber(app, person),
    };
    await changeNumber(app, person, proofs);
    expect((await refusalOf(changeNumber(app, person, proofs))).reason).toBe('VERIFICATION_SPENT');
  });
});
