import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { TwoFactorMethod } from '../../gen/whispr/auth/v1/two_factor_pb.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { letSleep } from '../support/dormant.ts';
import { legacyBundle, prove, registerPerson } from '../support/person.ts';
import {
  challengeIn,
  challengeOf,
  codeOf,
  loginWith,
  registerTwoFactorPerson,
  signInWithFactor,
  turnOnTwoFactor,
  wrongCodeFor,
} from '../support/two-factor-person.ts';
import type { TwoFactorPerson } from '../support/two-factor-person.ts';

let app: TestApp;
let owner: TwoFactorPerson;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());
beforeEach(async () => {
  owner = await registerTwoFactorPerson(app);
});

describe('logging in to an account with a second factor', () => {
  test('gives a challenge instead of a session, and uses the verification up', async () => {
    const { verificationId } = await prove(app, 'login', owner);
    const deviceId = randomUUID();
    const refusal = await refusalOf(loginWith(app, verificationId, { deviceId }));
    expect(refusal).toMatchObject({ reason: 'TWO_FACTOR_REQUIRED', code: 7 });
    const { challenge, methods, expireTime } = challengeIn(refusal);
    expect(Buffer.from(challenge, 'base64url')).toHaveLength(32);
    expect(methods).toEqual([TwoFactorMethod.TOTP, TwoFactorMethod.BACKUP_CODE]);
    const left = Number(expireTime?.seconds) - Date.now() / 1000;
    expect(left).toBeGreaterThan(590);
    expect(left).toBeLessThanOrEqual(601);
    expect(await sessionCount()).toBe(1);
    expect(await lastHistory()).toEqual({ status: 'challenged', reason: null, device: deviceId });
    expect(await auditOf('session.challenged')).toEqual([{ device_id: deviceId, reason: null }]);
    const again = await refusalOf(loginWith(app, verificationId, {}));
    expect(again.reason).toBe('VERIFICATION_SPENT');
  });

  test('stores only the hash of the challenge', async () => {
    const challenge = await challengeOf(app, owner.phone);
    const rows = await app.sql<{ id: Buffer; row: string }>(
      'SELECT id, c::text AS row FROM two_factor_challenges c WHERE user_id = $1',
      [owner.userId],
    );
    expect(rows[0]?.id).toEqual(createHash('sha256').update(challenge).digest());
    expect(rows[0]?.row).not.toContain(challenge);
  });

  test('tells it only after the right SMS code', async () => {
    const { auth } = app.clientsAt('198.51.100.34');
    const { verificationId } = await auth.requestLoginVerification({ phoneNumber: owner.phone });
    const unproven = await refusalOf(loginWith(app, verificationId, {}));
    expect(unproven.reason).toBe('VERIFICATION_UNCONFIRMED');
    const code = app.inbox.codeFor(owner.phone);
    const confirmed = await auth.confirmLoginVerification({ verificationId, code });
    expect(confirmed).toMatchObject({ verified: true, requiresTwoFactor: true });
  });

  test('opens by an authenticator code the device that the challenge was made for', async () => {
    const deviceId = randomUUID();
    const identityKey = randomBytes(32);
    const challenge = await challengeOf(app, owner.phone, { deviceId, identityKey });
    const token = codeOf(owner.secret);
    const answer = await app.clients.auth.verifyTwoFactor({ challenge, token });
    expect(answer).toMatchObject({ valid: true, userId: owner.userId, deviceId });
    expect(answer.stepUpExpireTime).toBeUndefined();
    const { amr, acr } = claimsOf(answer.accessToken);
    expect([amr, acr]).toEqual([['sms', 'otp'], 'mfa']);
    const keys = await app.sql<{ public_key: Buffer; legacy_encoding: boolean }>(
      'SELECT public_key, legacy_encoding FROM identity_keys WHERE device_id = $1',
      [deviceId],
    );
    expect(keys).toEqual([
      { public_key: Buffer.concat([Buffer.from([5]), identityKey]), legacy_encoding: true },
    ]);
    expect(await lastHistory()).toEqual({ status: 'success', reason: null, device: deviceId });
    await app.clients.auth.refreshTokens({ refreshToken: answer.refreshToken ?? '' });
  });

  test('reads the code under its older name', async () => {
    const challenge = await challengeOf(app, owner.phone);
    const answer = app.clients.auth.verifyTwoFactor({ challenge, code: codeOf(owner.secret) });
    expect((await answer).accessToken).toBeDefined();
  });

  test('opens by a backup code in any spelling, and says how many are left', async () => {
    const challenge = await challengeOf(app, owner.phone);
    const token = (owner.backupCodes[3] ?? '').toLowerCase().replaceAll('-', ' ');
    const answer = await app.clients.auth.useBackupCode({ challenge, token });
    expect(answer).toMatchObject({ valid: true, remaining: 9, userId: owner.userId });
    const used = await challengeOf(app, owner.phone);
    const again = await refusalOf(app.clients.auth.useBackupCode({ challenge: used, token }));
    expect(again).toMatchObject({ reason: 'TWO_FACTOR_CODE_WRONG', code: 3 });
  });

  test('refuses a code that was used before, with another challenge too', async () => {
    await signInWithFactor(app, owner);
    const challenge = await challengeOf(app, owner.phone);
    const refusal = await refusalOf(verify(challenge, codeOf(owner.secret)));
    expect(refusal.reason).toBe('TWO_FACTOR_CODE_WRONG');
  });

  test('with a wrong code is refused as INVALID_ARGUMENT and kept in the history', async () => {
    const deviceId = randomUUID();
    const challenge = await challengeOf(app, owner.phone, { deviceId });
    const refusal = await refusalOf(verify(challenge, wrongCodeFor(owner.secret)));
    expect(refusal).toMatchObject({ reason: 'TWO_FACTOR_CODE_WRONG', code: 3, fields: ['token'] });
    const reason = 'TWO_FACTOR_CODE_WRONG';
    expect(await lastHistory()).toEqual({ status: 'failure', reason, device: deviceId });
    expect(await auditOf('session.refused')).toEqual([{ device_id: deviceId, reason }]);
    await verify(challenge, codeOf(owner.secret));
  });

  test('by somebody else’s factor is refused', async () => {
    const stranger = await registerTwoFactorPerson(app);
    const challenge = await challengeOf(app, owner.phone);
    const refusal = await refusalOf(verify(challenge, codeOf(stranger.secret)));
    expect(refusal.reason).toBe('TWO_FACTOR_CODE_WRONG');
    const [token = ''] = stranger.backupCodes;
    const backup = await refusalOf(app.clients.auth.useBackupCode({ challenge, token }));
    expect(backup.reason).toBe('TWO_FACTOR_CODE_WRONG');
  });
});

describe('an SMS code alone opens no account with a second factor', () => {
  test('by registering, whether the account is in use or dormant', async () => {
    const { verificationId } = await prove(app, 'register', owner);
    const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
    const request = { ...device, replaceDormantAccount: true, signalKeyBundle: legacyBundle() };
    expect((await refusalOf(app.clients.auth.register(request))).reason).toBe('ACCOUNT_EXISTS');
    await letSleep(app, owner.userId);
    const heir = await app.clients.auth.register(request);
    expect(heir.userId).not.toBe(owner.userId);
    const { enabled } = await app.clients.auth.getTwoFactorStatus({}, bearer(heir.accessToken));
    expect(enabled).toBe(false);
  });

  test('by refreshing: neither the challenge nor a stolen part of it is a refresh token', async () => {
    const challenge = await challengeOf(app, owner.phone);
    const { auth } = app.clients;
    const refusal = await refusalOf(auth.refreshTokens({ refreshToken: challenge }));
    expect(refusal.reason).toBe('TOKEN_INVALID');
    expect(await sessionCount()).toBe(1);
  });

  test('by a login that began before the factor was on', async () => {
    const person = await registerPerson(app);
    const { verificationId } = await prove(app, 'login', person);
    await turnOnTwoFactor(app, person);
    const refusal = await refusalOf(loginWith(app, verificationId, {}));
    expect(refusal.reason).toBe('TWO_FACTOR_REQUIRED');
  });

  test('while it is dormant: the factor opens it, and nothing is removed or hidden', async () => {
    await letSleep(app, owner.userId);
    const { userId } = await signInWithFactor(app, owner);
    expect(userId).toBe(owner.userId);
    const rows = await app.sql(
      `SELECT history_from, (SELECT count(*)::int FROM devices WHERE user_id = u.id) AS devices
         FROM users_auth u WHERE id = $1`,
      [owner.userId],
    );
    expect(rows).toEqual([{ history_from: null, devices: 2 }]);
  });
});

function verify(challenge: string, token: string) {
  return app.clients.auth.verifyTwoFactor({ challenge, token });
}

async function sessionCount(): Promise<number> {
  const rows = await app.sql('SELECT id FROM sessions WHERE user_id = $1', [owner.userId]);
  return rows.length;
}

async function lastHistory(): Promise<unknown> {
  const [row] = await app.sql(
    `SELECT status, reason, device_id AS device FROM login_history
      WHERE user_id = $1 ORDER BY id DESC LIMIT 1`,
    [owner.userId],
  );
  return row;
}

async function auditOf(type: string): Promise<unknown[]> {
  return app.sql('SELECT device_id, reason FROM audit_events WHERE account_id = $1 AND type = $2', [
    owner.userId,
    type,
  ]);
}

function claimsOf(token = ''): { amr: unknown; acr: unknown } {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  const claims: unknown = JSON.parse(payload);
  return { amr: Reflect.get(Object(claims), 'amr'), acr: Reflect.get(Object(claims), 'acr') };
}
