import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import {
  codeOf,
  freshenCodes,
  registerTwoFactorPerson,
  signInWithFactor,
  wrongCodeFor,
} from '../support/two-factor-person.ts';
import type { TwoFactorPerson } from '../support/two-factor-person.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('stepping up by the second factor', () => {
  let owner: TwoFactorPerson;
  let junior: SignedIn;
  beforeEach(async () => {
    owner = await registerTwoFactorPerson(app);
    junior = await signInWithFactor(app, owner);
    await freshenCodes(app, owner.userId);
  });

  test('lets a young session do for five minutes what older ones may', async () => {
    expect((await refusalOf(revokeOthers(junior))).reason).toBe('STEP_UP_REQUIRED');
    const before = Date.now();
    const answer = await verify(junior, codeOf(owner.secret));
    expect(answer).toMatchObject({ valid: true });
    expect(answer.accessToken).toBeUndefined();
    const seconds = Number(answer.stepUpExpireTime?.seconds) - before / 1000;
    expect(seconds).toBeGreaterThan(298);
    expect(seconds).toBeLessThan(302);
    await app.sql(
      `UPDATE sessions SET stepped_up_at = now() - interval '301 seconds' WHERE id = $1`,
      [junior.sessionId],
    );
    expect((await refusalOf(revokeOthers(junior))).reason).toBe('STEP_UP_REQUIRED');
    await freshenCodes(app, owner.userId);
    await verify(junior, codeOf(owner.secret));
    await revokeOthers(junior);
    expect(await auditOf(junior.sessionId)).toContainEqual({ reason: null, method: 'totp' });
  });

  test('is not done by a wrong code, one of another account, or none', async () => {
    const wrong = await refusalOf(verify(junior, wrongCodeFor(owner.secret)));
    expect(wrong).toMatchObject({ reason: 'TWO_FACTOR_CODE_WRONG', code: 3 });
    const stranger = await registerTwoFactorPerson(app);
    const foreign = await refusalOf(verify(junior, codeOf(stranger.secret)));
    expect(foreign.reason).toBe('TWO_FACTOR_CODE_WRONG');
    const none = await refusalOf(verify(junior, ''));
    expect(none).toMatchObject({ reason: 'VALIDATION_FAILED', fields: ['token'] });
    expect((await refusalOf(revokeOthers(junior))).reason).toBe('STEP_UP_REQUIRED');
  });

  test('takes a code once', async () => {
    const token = codeOf(owner.secret);
    await verify(junior, token);
    const again = await refusalOf(verify(owner, token));
    expect(again.reason).toBe('TWO_FACTOR_CODE_WRONG');
  });

  test('takes a backup code, and says how many are left', async () => {
    const request = { token: owner.backupCodes[0] ?? '' };
    const as = bearer(junior.accessToken);
    const answer = await app.clients.auth.useBackupCode(request, as);
    expect(answer).toMatchObject({ valid: true, remaining: 9 });
    expect(answer.accessToken).toBeUndefined();
    await revokeOthers(junior);
    const again = await refusalOf(app.clients.auth.useBackupCode(request, as));
    expect(again.reason).toBe('TWO_FACTOR_CODE_WRONG');
    expect(await auditOf(junior.sessionId)).toContainEqual({ reason: null, method: 'backup_code' });
  });

  test('is of one session, and refreshing neither renews nor loses it', async () => {
    const other = await signInWithFactor(app, owner);
    await freshenCodes(app, owner.userId);
    await verify(junior, codeOf(owner.secret));
    expect((await refusalOf(revokeOthers(other))).reason).toBe('STEP_UP_REQUIRED');
    const next = await app.clients.auth.refreshTokens({ refreshToken: junior.refreshToken });
    expect(authTimeOf(next.accessToken)).toBe(authTimeOf(junior.accessToken));
    await revokeOthers({ ...junior, accessToken: next.accessToken });
  });

  test('of an account without a factor is refused', async () => {
    const person = await registerPerson(app);
    const refusal = await refusalOf(verify(person, '123456'));
    expect(refusal).toMatchObject({ reason: 'TWO_FACTOR_NOT_ENABLED', code: 9 });
  });
});

describe('approving a step-up', () => {
  let elder: SignedIn;
  let junior: SignedIn;
  beforeEach(async () => {
    elder = await registerPerson(app);
    junior = await signIn(app, elder.phone);
  });

  test('needs a token', async () => {
    const request = { sessionId: junior.sessionId };
    const refusal = await refusalOf(app.clients.auth.approveStepUp(request));
    expect(refusal).toMatchObject({ reason: 'TOKEN_MISSING', code: 16 });
  });

  test('lifts a younger session for five minutes', async () => {
    expect((await refusalOf(revokeOthers(junior))).reason).toBe('STEP_UP_REQUIRED');
    const { stepUpExpireTime } = await approve(elder, junior.sessionId.toUpperCase());
    const seconds = Number(stepUpExpireTime?.seconds) - Date.now() / 1000;
    expect(seconds).toBeGreaterThan(297);
    expect(seconds).toBeLessThan(302);
    await revokeOthers(junior);
    expect(await auditOf(elder.sessionId)).toEqual([{ reason: null, method: 'approval' }]);
  });

  test('is refused to a session that is not older, itself included', async () => {
    for (const sessionId of [elder.sessionId, junior.sessionId]) {
      const refusal = await refusalOf(approve(junior, sessionId));
      expect(refusal).toMatchObject({ reason: 'STEP_UP_NOT_ALLOWED', code: 7 });
    }
    expect(await auditOf(junior.sessionId)).toEqual([
      { reason: 'STEP_UP_NOT_ALLOWED', method: 'approval' },
      { reason: 'STEP_UP_NOT_ALLOWED', method: 'approval' },
    ]);
    expect((await refusalOf(revokeOthers(junior))).reason).toBe('STEP_UP_REQUIRED');
  });

  test('is refused to a session that is held back itself, and allowed once it is lifted', async () => {
    const youngest = await signIn(app, elder.phone);
    const refusal = await refusalOf(approve(junior, youngest.sessionId));
    expect(refusal.reason).toBe('STEP_UP_NOT_ALLOWED');
    await approve(elder, junior.sessionId);
    await approve(junior, youngest.sessionId);
    await revokeOthers(youngest);
  });

  test('finds neither ended sessions nor those of other accounts', async () => {
    const stranger = await registerPerson(app);
    await app.clients.auth.logout({}, bearer(junior.accessToken));
    for (const sessionId of [stranger.sessionId, junior.sessionId, randomUUID()]) {
      const refusal = await refusalOf(approve(elder, sessionId));
      expect(refusal).toMatchObject({ reason: 'SESSION_NOT_FOUND', code: 5 });
    }
    const form = await refusalOf(approve(elder, 'my other phone'));
    expect(form).toMatchObject({ reason: 'VALIDATION_FAILED', fields: ['sessionId'] });
  });

  test('by the victim’s device id named at login gives no seniority', async () => {
    const thief = await signIn(app, elder.phone, elder.deviceId);
    const refusal = await refusalOf(approve(thief, junior.sessionId));
    expect(refusal.reason).toBe('STEP_UP_NOT_ALLOWED');
  });
});

describe('a refusal of authenticator codes after 100 misses', () => {
  test('is ended by an older session that approves a younger one', async () => {
    const owner = await registerTwoFactorPerson(app);
    const junior = await signInWithFactor(app, owner);
    await freshenCodes(app, owner.userId);
    await app.sql('UPDATE two_factor_states SET misses = 100 WHERE user_id = $1', [owner.userId]);
    const token = codeOf(owner.secret);
    const refusal = await refusalOf(verify(junior, token));
    expect(refusal).toMatchObject({ reason: 'TWO_FACTOR_REFUSING', code: 9 });
    await approve(owner, junior.sessionId);
    await verify(junior, token);
  });
});

function verify(person: Pick<SignedIn, 'accessToken'>, token: string) {
  return app.clients.auth.verifyTwoFactor({ token }, bearer(person.accessToken));
}

function approve(person: Pick<SignedIn, 'accessToken'>, sessionId: string) {
  return app.clients.auth.approveStepUp({ sessionId }, bearer(person.accessToken));
}

function revokeOthers(person: Pick<SignedIn, 'accessToken'>) {
  return app.clients.auth.revokeOtherSessions({}, bearer(person.accessToken));
}

async function auditOf(sessionId: string): Promise<unknown[]> {
  return app.sql(
    `SELECT reason, details ->> 'method' AS method FROM audit_events
      WHERE session_id = $1 AND type = 'session.step_up' ORDER BY created_at`,
    [sessionId],
  );
}

function authTimeOf(accessToken: string): unknown {
  const payload = Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString();
  const claims: unknown = JSON.parse(payload);
  return Reflect.get(Object(claims), 'auth_time');
}
