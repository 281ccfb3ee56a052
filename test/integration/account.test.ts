import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { auditOf, toldTo } from '../support/account.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { newAddress, registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { registerTwoFactorPerson } from '../support/two-factor-person.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

const accountOf = (person: SignedIn) => app.clients.auth.getAccount({}, bearer(person.accessToken));

/** Sends a code, and lets the number have failed so often before; then enters a wrong one. */
async function failAfter(phone: string, failures: number): Promise<string> {
  const { auth } = app.clientsAt(newAddress());
  const { verificationId } = await auth.requestLoginVerification({ phoneNumber: phone });
  await setFailures(failures);
  const code = app.inbox.codeFor(phone) === '000000' ? '111111' : '000000';
  const { reason } = await refusalOf(auth.confirmLoginVerification({ verificationId, code }));
  await app.sql('UPDATE phone_counters SET failing_until = NULL');
  return reason;
}

/** Of the number that was last asked for. */
async function setFailures(failures: number): Promise<void> {
  await app.sql(
    `UPDATE phone_counters SET failures = $1, failing_until = NULL WHERE phone_key =
       (SELECT phone_key FROM phone_attempts WHERE kind = 'send' ORDER BY created_at DESC LIMIT 1)`,
    [failures],
  );
}

describe('an account', () => {
  test('shows its owner a masked number, its times and whether a factor is on', async () => {
    const person = await registerTwoFactorPerson(app);
    const account = await accountOf(person);
    expect(account.userId).toBe(person.userId);
    expect(account.maskedPhoneNumber).toBe(`+33…${person.phone.slice(-2)}`);
    expect(account.twoFactorEnabled).toBe(true);
    expect(account.recovery).toBeUndefined();
    expect(account.isNumberRefusing).toBe(false);
    for (const time of [account.createTime, account.lastAuthenticatedTime]) {
      expect(Math.abs(Number(time?.seconds) - Date.now() / 1000)).toBeLessThan(30);
    }
  });

  test('is shown to nobody without a token', async () => {
    expect((await refusalOf(app.clients.auth.getAccount({}))).reason).toBe('TOKEN_MISSING');
  });
});

describe('a number whose codes were wrong 100 times in a row', () => {
  test('refuses strange addresses, its owner is told once, and a living session lifts it', async () => {
    const person = await registerTwoFactorPerson(app);
    expect(await failAfter(person.phone, 98)).toBe('CODE_WRONG');
    expect(await toldTo(app, person.userId)).not.toContain('NUMBER_REFUSING');
    expect(await failAfter(person.phone, 99)).toBe('CODE_WRONG');
    expect(await toldTo(app, person.userId)).toContain('NUMBER_REFUSING');
    expect(await auditOf(app, person.userId)).toContain('account.number_refusing');
    expect((await accountOf(person)).isNumberRefusing).toBe(true);
    const { auth } = app.clientsAt(newAddress());
    const asking = auth.requestLoginVerification({ phoneNumber: person.phone });
    expect((await refusalOf(asking)).reason).toBe('RATE_LIMITED');
    await app.clients.auth.liftNumberRefusal({}, bearer(person.accessToken));
    expect((await accountOf(person)).isNumberRefusing).toBe(false);
    await auth.requestLoginVerification({ phoneNumber: person.phone });
    expect(await auditOf(app, person.userId)).toContain('account.number_refusal_lifted');
    const told = await toldTo(app, person.userId);
    expect(told.filter((name) => name === 'NUMBER_REFUSING')).toHaveLength(1);
  });

  test('is told of again only after it was lifted or proven', async () => {
    const person = await registerPerson(app);
    await failAfter(person.phone, 99);
    await setFailures(0);
    await failAfter(person.phone, 120);
    await app.clients.auth.liftNumberRefusal({}, bearer(person.accessToken));
    await failAfter(person.phone, 99);
    const told = await toldTo(app, person.userId);
    expect(told.filter((name) => name === 'NUMBER_REFUSING')).toHaveLength(2);
  });
});

describe('lifting the refusal of a number', () => {
  test('is refused to a junior session', async () => {
    const person = await registerPerson(app);
    const junior = await signIn(app, person.phone);
    const lifting = app.clients.auth.liftNumberRefusal({}, bearer(junior.accessToken));
    expect((await refusalOf(lifting)).reason).toBe('STEP_UP_REQUIRED');
  });

  test('that refuses nobody changes nothing: no session shortens the waits between guesses', async () => {
    const person = await registerPerson(app);
    const { auth } = app.clientsAt(newAddress());
    await auth.requestLoginVerification({ phoneNumber: person.phone });
    await setFailures(50);
    await app.clients.auth.liftNumberRefusal({}, bearer(person.accessToken));
    const rows = await app.sql('SELECT failures FROM phone_counters WHERE failures = 50');
    expect(rows).toHaveLength(1);
    expect(await auditOf(app, person.userId)).not.toContain('account.number_refusal_lifted');
  });
});
