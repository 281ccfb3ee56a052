import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { auditOf, toldTo } from '../support/account.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { operate } from '../support/command.ts';
import { countKeys } from '../support/devices.ts';
import { prove, registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { eventually } from '../support/private-stores.ts';
import {
  challengeOf,
  codeOf,
  loginWith,
  registerTwoFactorPerson,
  wrongCodeFor,
} from '../support/two-factor-person.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

const lockDown = (person: SignedIn) =>
  app.clients.auth.lockDownAccount({}, bearer(person.accessToken));

async function proven(person: SignedIn): Promise<string> {
  return (await prove(app, 'login', { phone: person.phone })).verificationId;
}

async function letPass(person: SignedIn, hours: number): Promise<void> {
  await app.sql(
    'UPDATE users_auth SET locked_down_at = locked_down_at - make_interval(hours => $2) WHERE id = $1',
    [person.userId, hours],
  );
}

describe('locking an account down', () => {
  test('is refused to a junior session', async () => {
    const person = await registerPerson(app);
    const junior = await signIn(app, person.phone);
    expect((await refusalOf(lockDown(junior))).reason).toBe('STEP_UP_REQUIRED');
    expect((await signIn(app, person.phone)).userId).toBe(person.userId);
  });

  test('ends every session and erases their keys, on every replica within a second', async () => {
    const person = await registerPerson(app);
    const second = await signIn(app, person.phone);
    const replica = await app.replica();
    await replica.clients.auth.getAccount({}, bearer(second.accessToken));
    expect((await lockDown(person)).revokedCount).toBe(2);
    const lockedAt = Date.now();
    await eventually(
      () => refusalOf(replica.clients.auth.getAccount({}, bearer(second.accessToken))),
      ({ reason }) => reason === 'SESSION_REVOKED',
    );
    expect(Date.now() - lockedAt).toBeLessThan(1_000);
    await replica.stop();
    const refreshing = app.clients.auth.refreshTokens({ refreshToken: second.refreshToken });
    expect((await refusalOf(refreshing)).reason).toBe('SESSION_REVOKED');
    expect(await countKeys(app, person.deviceId)).toBe(0);
    expect(await countKeys(app, second.deviceId)).toBe(0);
    expect((await toldTo(app, person.userId)).at(-1)).toBe('LOCKDOWN');
    expect(await auditOf(app, person.userId)).toContain('account.locked_down');
    const reasons = await app.sql('SELECT DISTINCT reason FROM revocations WHERE user_id = $1', [
      person.userId,
    ]);
    expect(reasons).toEqual([{ reason: 'lockdown' }]);
  });

  test('refuses login after proof, says who locked it, and leaves the verification unspent', async () => {
    const person = await registerPerson(app);
    await lockDown(person);
    const verificationId = await proven(person);
    for (let time = 0; time < 2; time += 1) {
      const { reason, metadata } = await refusalOf(loginWith(app, verificationId, {}));
      expect([reason, metadata['by']]).toEqual(['ACCOUNT_LOCKED_DOWN', 'owner']);
    }
  });

  test('refuses a challenge that was open already', async () => {
    const person = await registerTwoFactorPerson(app);
    const challenge = await challengeOf(app, person.phone);
    await lockDown(person);
    const token = codeOf(person.secret);
    const answering = app.clients.auth.verifyTwoFactor({ challenge, token });
    expect((await refusalOf(answering)).reason).toBe('ACCOUNT_LOCKED_DOWN');
  });
});

describe('lifting a lockdown', () => {
  test('takes a login verification that was confirmed', async () => {
    const person = await registerPerson(app);
    await lockDown(person);
    const { auth } = app.clients;
    const unknown = auth.liftLockdown({ verificationId: randomUUID() });
    expect((await refusalOf(unknown)).reason).toBe('VERIFICATION_UNKNOWN');
    const register = await prove(app, 'register', { phone: person.phone });
    const other = auth.liftLockdown({ verificationId: register.verificationId });
    expect((await refusalOf(other)).reason).toBe('VERIFICATION_UNKNOWN');
    const nobody = await prove(app, 'login');
    const none = auth.liftLockdown({ verificationId: nobody.verificationId });
    expect((await refusalOf(none)).reason).toBe('ACCOUNT_NOT_FOUND');
  });

  test('without a second factor waits for 24 hours, then lets in with the same verification', async () => {
    const person = await registerPerson(app);
    await lockDown(person);
    const verificationId = await proven(person);
    await letPass(person, 23);
    const early = await refusalOf(app.clients.auth.liftLockdown({ verificationId }));
    expect(early.reason).toBe('LOCKDOWN_WAITING');
    const readyInMs = Date.parse(early.metadata['ready_at'] ?? '') - Date.now();
    expect(Math.abs(readyInMs - 3_600_000)).toBeLessThan(60_000);
    await letPass(person, 1);
    await app.clients.auth.liftLockdown({ verificationId });
    expect((await loginWith(app, verificationId, {})).userId).toBe(person.userId);
    expect(await auditOf(app, person.userId)).toContain('account.lockdown_lifted');
  });

  test('with a second factor needs its code however long it lasted, and burns it', async () => {
    const person = await registerTwoFactorPerson(app);
    await lockDown(person);
    await letPass(person, 1_000);
    const verificationId = await proven(person);
    const { auth } = app.clients;
    const bare = auth.liftLockdown({ verificationId });
    expect((await refusalOf(bare)).reason).toBe('TWO_FACTOR_REQUIRED');
    const token = codeOf(person.secret);
    await auth.liftLockdown({ verificationId, token });
    const challenge = await challengeOf(app, person.phone);
    const again = auth.verifyTwoFactor({ challenge, token });
    expect((await refusalOf(again)).reason).toBe('TWO_FACTOR_CODE_WRONG');
    const [backupCode = ''] = person.backupCodes;
    const answer = await auth.useBackupCode({ challenge, token: backupCode });
    expect(answer.userId).toBe(person.userId);
  });

  test('counts wrong codes on the account, so the unspent verification guesses no more than any other', async () => {
    const person = await registerTwoFactorPerson(app);
    await lockDown(person);
    const verificationId = await proven(person);
    const token = wrongCodeFor(person.secret);
    const reasons: string[] = [];
    for (let time = 0; time < 6; time += 1) {
      const lifting = app.clients.auth.liftLockdown({ verificationId, token });
      reasons.push((await refusalOf(lifting)).reason);
    }
    expect(reasons.slice(0, 5)).toEqual(Array(5).fill('TWO_FACTOR_CODE_WRONG'));
    expect(reasons[5]).toBe('TWO_FACTOR_LOCKED');
  });

  test('of an account that has none changes nothing and compares no code', async () => {
    const person = await registerTwoFactorPerson(app);
    const verificationId = await proven(person);
    await app.clients.auth.liftLockdown({ verificationId, token: wrongCodeFor(person.secret) });
    expect(await toldTo(app, person.userId)).not.toContain('LOCKDOWN');
    const challenge = await refusalOf(loginWith(app, verificationId, {}));
    expect(challenge.reason).toBe('TWO_FACTOR_REQUIRED');
  });
});

describe('an operator', () => {
  test('locks an account down, and only an operator lifts it', async () => {
    const person = await registerTwoFactorPerson(app);
    const second = await app.replica();
    expect(await operate(app, 'lock-account', person.userId)).toContain('1 session(s) ended');
    for (const { clients } of [app, second]) {
      await eventually(
        () => refusalOf(clients.auth.getAccount({}, bearer(person.accessToken))),
        ({ reason }) => reason === 'SESSION_REVOKED',
        1_000,
      );
    }
    await second.stop();
    await letPass(person, 1_000);
    const verificationId = await proven(person);
    const token = codeOf(person.secret);
    const lifting = await refusalOf(app.clients.auth.liftLockdown({ verificationId, token }));
    expect([lifting.reason, lifting.metadata['by']]).toEqual(['ACCOUNT_LOCKED_DOWN', 'operator']);
    await operate(app, 'unlock-account', person.userId);
    const login = await refusalOf(loginWith(app, verificationId, {}));
    expect(login.reason).toBe('TWO_FACTOR_REQUIRED');
    const actors = await app.sql(
      `SELECT type, actor, ip_prefix FROM audit_events WHERE account_id = $1 AND actor = 'operator'
        ORDER BY created_at`,
      [person.userId],
    );
    expect(actors).toEqual([
      { type: 'account.locked_down', actor: 'operator', ip_prefix: null },
      { type: 'account.lockdown_lifted', actor: 'operator', ip_prefix: null },
    ]);
  });

  test('takes an owner’s lockdown over, so that the owner cannot lift it', async () => {
    const person = await registerPerson(app);
    await lockDown(person);
    await letPass(person, 25);
    await operate(app, 'lock-account', person.userId);
    const verificationId = await proven(person);
    const lifting = app.clients.auth.liftLockdown({ verificationId });
    expect((await refusalOf(lifting)).reason).toBe('ACCOUNT_LOCKED_DOWN');
  });

  test('is told of a word that is no account', async () => {
    await expect(operate(app, 'lock-account')).rejects.toThrow(
      'usage: main lock-account ACCOUNT_ID',
    );
    await expect(operate(app, 'unlock-account', 'x')).rejects.toThrow('usage: main unlock-account');
    const id = randomUUID();
    await expect(operate(app, 'lock-account', id)).rejects.toThrow(`There is no account ${id}`);
    await expect(operate(app, 'unlock-account', id)).rejects.toThrow(id);
  });
});
