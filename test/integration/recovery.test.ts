import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { auditOf, moveTo, toldTo } from '../support/account.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { prove, registerPerson } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import {
  challengeOf,
  loginWith,
  registerTwoFactorPerson,
  signInWithFactor,
  turnOnTwoFactor,
} from '../support/two-factor-person.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

async function proven(person: Pick<SignedIn, 'phone'>): Promise<string> {
  return (await prove(app, 'login', { phone: person.phone })).verificationId;
}

async function start(person: Pick<SignedIn, 'phone'>): Promise<string> {
  const verificationId = await proven(person);
  return (await app.clients.auth.startRecovery({ verificationId })).recoveryId;
}

async function letPass(person: SignedIn, days: number): Promise<void> {
  await app.sql(
    `UPDATE recoveries SET created_at = created_at - make_interval(days => $2),
            ready_at = ready_at - make_interval(days => $2) WHERE user_id = $1`,
    [person.userId, days],
  );
}

async function reasonOfStart(person: Pick<SignedIn, 'phone'>): Promise<string> {
  const verificationId = await proven(person);
  return (await refusalOf(app.clients.auth.startRecovery({ verificationId }))).reason;
}

async function reasonOfCompletion(person: Pick<SignedIn, 'phone'>, recoveryId: string) {
  const verificationId = await proven(person);
  const completing = app.clients.auth.completeRecovery({ recoveryId, verificationId });
  return (await refusalOf(completing)).reason;
}

const accountOf = (person: SignedIn) => app.clients.auth.getAccount({}, bearer(person.accessToken));

describe('starting a recovery', () => {
  test('takes a proven number with an account and a second factor', async () => {
    const { auth } = app.clients;
    const unknown = auth.startRecovery({ verificationId: randomUUID() });
    expect((await refusalOf(unknown)).reason).toBe('VERIFICATION_UNKNOWN');
    const nobody = await prove(app, 'login');
    const none = auth.startRecovery({ verificationId: nobody.verificationId });
    expect((await refusalOf(none)).reason).toBe('ACCOUNT_NOT_FOUND');
    const person = await registerPerson(app);
    expect(await reasonOfStart(person)).toBe('RECOVERY_UNAVAILABLE');
    expect(await auditOf(app, person.userId)).toContain(
      'recovery.start_refused RECOVERY_UNAVAILABLE',
    );
  });

  test('uses the verification up, tells every device, and shows itself to each', async () => {
    const person = await registerTwoFactorPerson(app);
    const junior = await signInWithFactor(app, person);
    const verificationId = await proven(person);
    const { recoveryId, readyTime } = await app.clients.auth.startRecovery({ verificationId });
    const waitSeconds = Number(readyTime?.seconds) - Date.now() / 1000;
    expect(Math.abs(waitSeconds - 7 * 86_400)).toBeLessThan(60);
    expect((await toldTo(app, person.userId)).at(-1)).toBe('RECOVERY_STARTED');
    for (const session of [person, junior]) {
      expect((await accountOf(session)).recovery?.id).toBe(recoveryId);
    }
    const again = app.clients.auth.startRecovery({ verificationId });
    expect((await refusalOf(again)).reason).toBe('VERIFICATION_SPENT');
  });

  test('is refused while one runs, and once a day after it was cancelled', async () => {
    const person = await registerTwoFactorPerson(app);
    const recoveryId = await start(person);
    await letPass(person, 1);
    expect(await reasonOfStart(person)).toBe('RECOVERY_UNAVAILABLE');
    await app.clients.auth.cancelRecovery({ recoveryId }, bearer(person.accessToken));
    const second = await start(person);
    await app.clients.auth.cancelRecovery({ recoveryId: second }, bearer(person.accessToken));
    const verificationId = await proven(person);
    const third = await refusalOf(app.clients.auth.startRecovery({ verificationId }));
    expect(third.reason).toBe('RATE_LIMITED');
    expect(third.retryDelayMs).toBeGreaterThan(86_000_000);
  });

  test('is refused while the account is locked down', async () => {
    const person = await registerTwoFactorPerson(app);
    await app.clients.auth.lockDownAccount({}, bearer(person.accessToken));
    expect(await reasonOfStart(person)).toBe('ACCOUNT_LOCKED_DOWN');
  });
});

describe('cancelling a recovery', () => {
  test('is open to a junior session, once', async () => {
    const person = await registerTwoFactorPerson(app);
    const junior = await signInWithFactor(app, person);
    const recoveryId = await start(person);
    await app.clients.auth.cancelRecovery({ recoveryId }, bearer(junior.accessToken));
    expect((await toldTo(app, person.userId)).at(-1)).toBe('RECOVERY_ENDED');
    expect((await accountOf(person)).recovery).toBeUndefined();
    const again = app.clients.auth.cancelRecovery({ recoveryId }, bearer(person.accessToken));
    expect((await refusalOf(again)).reason).toBe('RECOVERY_NOT_FOUND');
    await letPass(person, 8);
    expect(await reasonOfCompletion(person, recoveryId)).toBe('RECOVERY_NOT_FOUND');
  });

  test('of somebody else’s account is refused as if there were none', async () => {
    const [person, stranger] = [await registerTwoFactorPerson(app), await registerPerson(app)];
    const recoveryId = await start(person);
    const cancelling = app.clients.auth.cancelRecovery(
      { recoveryId },
      bearer(stranger.accessToken),
    );
    expect((await refusalOf(cancelling)).reason).toBe('RECOVERY_NOT_FOUND');
    expect((await accountOf(person)).recovery?.id).toBe(recoveryId);
  });
});

describe('completing a recovery', () => {
  test('waits for seven days, then turns the factor off, and Login needs the number only', async () => {
    const person = await registerTwoFactorPerson(app);
    const recoveryId = await start(person);
    await letPass(person, 6);
    expect(await reasonOfCompletion(person, recoveryId)).toBe('RECOVERY_WAITING');
    await letPass(person, 1);
    const verificationId = await proven(person);
    await app.clients.auth.completeRecovery({ recoveryId, verificationId });
    const login = await loginWith(app, verificationId, {});
    expect(login.userId).toBe(person.userId);
    expect(
      (await toldTo(app, person.userId)).filter((name) => name === 'RECOVERY_ENDED'),
    ).toHaveLength(1);
    const left = await app.sql('SELECT slot FROM backup_codes WHERE user_id = $1', [person.userId]);
    expect(left).toEqual([]);
    expect((await accountOf(person)).twoFactorEnabled).toBe(false);
    const device = { deviceId: randomUUID(), deviceType: 'android' };
    const spent = app.clients.auth.login({ verificationId, ...device });
    expect((await refusalOf(spent)).reason).toBe('VERIFICATION_SPENT');
  });

  test('takes the id, the number of the same account, and a verification of its own', async () => {
    const [person, other] = [
      await registerTwoFactorPerson(app),
      await registerTwoFactorPerson(app),
    ];
    const verificationId = await proven(person);
    const { recoveryId } = await app.clients.auth.startRecovery({ verificationId });
    await letPass(person, 8);
    const withFirst = app.clients.auth.completeRecovery({ recoveryId, verificationId });
    expect((await refusalOf(withFirst)).reason).toBe('VERIFICATION_SPENT');
    expect(await reasonOfCompletion(person, randomUUID())).toBe('RECOVERY_NOT_FOUND');
    expect(await reasonOfCompletion(other, recoveryId)).toBe('RECOVERY_NOT_FOUND');
    const challenge = await challengeOf(app, person.phone);
    expect(challenge).not.toBe('');
  });

  test('is over when the number changed, for the old number and for the new one', async () => {
    const person = await registerTwoFactorPerson(app);
    const recoveryId = await start(person);
    await letPass(person, 8);
    const phone = await moveTo(app, person);
    expect((await toldTo(app, person.userId)).slice(-2)).toEqual([
      'NUMBER_CHANGED',
      'RECOVERY_ENDED',
    ]);
    expect(await reasonOfCompletion(person, recoveryId)).toBe('RECOVERY_NOT_FOUND');
    expect(await reasonOfCompletion({ phone }, recoveryId)).toBe('RECOVERY_NOT_FOUND');
    expect((await accountOf(person)).recovery).toBeUndefined();
  });

  test('is over when its owner turned the factor off, also for the next factor', async () => {
    const person = await registerTwoFactorPerson(app);
    const recoveryId = await start(person);
    const [token = ''] = person.backupCodes;
    await app.clients.auth.disableTwoFactor({ token }, bearer(person.accessToken));
    expect((await toldTo(app, person.userId)).at(-1)).toBe('RECOVERY_ENDED');
    await turnOnTwoFactor(app, person);
    await letPass(person, 8);
    expect(await reasonOfCompletion(person, recoveryId)).toBe('RECOVERY_NOT_FOUND');
    expect((await accountOf(person)).twoFactorEnabled).toBe(true);
  });

  test('is over when the account was locked down, also after the lockdown', async () => {
    const person = await registerTwoFactorPerson(app);
    const recoveryId = await start(person);
    await letPass(person, 8);
    await app.clients.auth.lockDownAccount({}, bearer(person.accessToken));
    expect(await reasonOfCompletion(person, recoveryId)).toBe('ACCOUNT_LOCKED_DOWN');
    const verificationId = await proven(person);
    const [token = ''] = person.backupCodes;
    await app.clients.auth.liftLockdown({ verificationId, token });
    expect(await reasonOfCompletion(person, recoveryId)).toBe('RECOVERY_NOT_FOUND');
  });

  test('finds nothing for the next account of the number', async () => {
    const person = await registerTwoFactorPerson(app);
    const recoveryId = await start(person);
    await letPass(person, 8);
    await app.clients.auth.deleteAccount({}, bearer(person.accessToken));
    expect(await reasonOfCompletion(person, recoveryId)).toBe('RECOVERY_NOT_FOUND');
    const { verificationId } = await prove(app, 'register', { phone: person.phone });
    await app.clients.auth.register({ verificationId, deviceId: randomUUID() });
    expect(await reasonOfCompletion(person, recoveryId)).toBe('RECOVERY_NOT_FOUND');
  });
});
