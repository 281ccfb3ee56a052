import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SERVICE_TEST_TOKEN } from '../support/app.ts';
import { bearer, countReasons, refusalOf, settle, together } from '../support/client.ts';
import { letSleep } from '../support/dormant.ts';
import { approvedDevice, complete, scan, startDevice } from '../support/link.ts';
import { prove, registerPerson } from '../support/person.ts';
import {
  challengeIn,
  challengeOf,
  codeOf,
  freshenCodes,
  refusedLogin,
  registerTwoFactorPerson,
  turnOnTwoFactor,
  wrongCodeFor,
} from '../support/two-factor-person.ts';
import { DeployedApp, reasonOf } from '../rest/deployed-app.ts';
import { startRest } from '../rest/rest.ts';
import type { Rest } from '../rest/rest.ts';

const asService = { headers: { 'x-test-caller': SERVICE_TEST_TOKEN } };
let rest: Rest;

beforeAll(async () => {
  rest = await startRest({ KEY_SIGNATURE_POLICY: 'legacy' });
});
afterAll(() => rest.stop());

async function livingSessions(userId: string): Promise<number> {
  const [row] = await rest.app.sql<{ count: number }>(
    `SELECT count(*)::int AS count FROM sessions
      WHERE user_id = $1 AND revoked_at IS NULL AND idle_expires_at > now()`,
    [userId],
  );
  return row?.count ?? 0;
}

// SIM swaps: whoever receives the messages of a number has its codes (NIST SP 800-63B-4 §3.1.3).
describe('somebody who receives the messages of a number with a second factor', () => {
  test('gets a challenge and no token from a login over gRPC', async () => {
    const { app } = rest;
    const person = await registerTwoFactorPerson(app);
    const refusal = await refusedLogin(app, person.phone);
    expect(refusal.reason).toBe('TWO_FACTOR_REQUIRED');
    expect(await livingSessions(person.userId)).toBe(1);
  });

  test('gets a challenge and no token from a login over REST', async () => {
    const person = await registerTwoFactorPerson(rest.app);
    const thief = new DeployedApp(rest, { phone: person.phone });
    const answer = await thief.enter('login', await thief.prove('login'));
    expect([answer.status, reasonOf(answer)]).toEqual([403, 'TWO_FACTOR_REQUIRED']);
    expect(answer.text).not.toMatch(/eyJ/);
    expect(await livingSessions(person.userId)).toBe(1);
  });

  test('gets in by no device id, not by the owner’s own either', async () => {
    const person = await registerTwoFactorPerson(rest.app);
    const refusal = await refusedLogin(rest.app, person.phone, { deviceId: person.deviceId });
    expect(refusal.reason).toBe('TWO_FACTOR_REQUIRED');
  });

  test('gets in by no registration, awake or dormant, and takes no number over', async () => {
    const { app } = rest;
    const person = await registerTwoFactorPerson(app);
    const register = async (replaceDormantAccount: boolean) => {
      const { verificationId } = await prove(app, 'register', { phone: person.phone });
      const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
      return settle(app.clients.auth.register({ ...device, replaceDormantAccount }));
    };
    expect(countReasons([await register(false), await register(true)])).toEqual({
      ACCOUNT_EXISTS: 2,
    });
    await letSleep(app, person.userId);
    const moved = await register(true);
    expect(moved.status === 'ok' && moved.value.userId).not.toBe(person.userId);
    expect(await livingSessions(person.userId)).toBe(0);
  });

  test('gets into a dormant account no more than into any other', async () => {
    const person = await registerTwoFactorPerson(rest.app);
    await letSleep(rest.app, person.userId);
    const refusal = await refusedLogin(rest.app, person.phone);
    expect(refusal.reason).toBe('TWO_FACTOR_REQUIRED');
    expect(await livingSessions(person.userId)).toBe(0);
  });

  test('gets in by no QR code that nobody with a session approves', async () => {
    const { app } = rest;
    const person = await registerTwoFactorPerson(app);
    const device = await startDevice(app);
    expect((await refusalOf(complete(device))).reason).toBe('LINK_STATE_WRONG');
    const { challenge } = challengeIn(await refusedLogin(app, person.phone));
    const byChallenge = await refusalOf(scan(app, { accessToken: challenge }, device));
    expect(byChallenge.reason).toBe('TOKEN_INVALID');
    const other = await approvedDevice(app, await registerPerson(app));
    expect((await complete(other)).userId).not.toBe(person.userId);
    expect(await livingSessions(person.userId)).toBe(1);
  });

  test('gets in with no refresh token of before, once the owner ended that session', async () => {
    const { app } = rest;
    const person = await registerPerson(app);
    await turnOnTwoFactor(app, person);
    await app.clients.auth.logout({}, bearer(person.accessToken));
    const { refreshToken } = person;
    const { reason } = await refusalOf(app.clients.auth.refreshTokens({ refreshToken }));
    expect(reason).toBe('SESSION_REVOKED');
  });

  test('cannot turn the factor off, replace its codes, or recover without the wait', async () => {
    const { app } = rest;
    const person = await registerTwoFactorPerson(app);
    const { verificationId } = await prove(app, 'login', { phone: person.phone });
    const { recoveryId } = await app.clients.auth.startRecovery({ verificationId });
    const again = await prove(app, 'login', { phone: person.phone });
    const early = { recoveryId, verificationId: again.verificationId };
    const { reason } = await refusalOf(app.clients.auth.completeRecovery(early));
    expect(reason).toBe('RECOVERY_WAITING');
    const lift = { verificationId: again.verificationId, token: '' };
    await app.clients.auth.lockDownAccount({}, bearer(person.accessToken));
    const lifted = await refusalOf(app.clients.auth.liftLockdown(lift));
    expect(lifted.reason).toBe('TWO_FACTOR_REQUIRED');
    expect(await livingSessions(person.userId)).toBe(0);
  });

  test('gets in by no login that was proven before the owner turned the factor on', async () => {
    const { app } = rest;
    const person = await registerPerson(app);
    const { verificationId } = await prove(app, 'login', { phone: person.phone });
    await turnOnTwoFactor(app, person);
    const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
    expect((await refusalOf(app.clients.auth.login(device))).reason).toBe('TWO_FACTOR_REQUIRED');
  });
});

// The service that this one replaces answered the phone code with a signed challenge token, and its guard
// took any signed token for a bearer.
describe('a challenge', () => {
  test('is a bearer nowhere, and not a token of any kind', async () => {
    const { app } = rest;
    const person = await registerTwoFactorPerson(app);
    const challenge = await challengeOf(app, person.phone);
    expect(challenge).toMatch(/^[\w-]{43}$/);
    for (const token of [challenge, `${challenge}.${challenge}.${challenge}`]) {
      const { auth, device } = app.clients;
      const calls = [
        () => device.listDevices({}, bearer(token)),
        () => auth.createWsToken({}, bearer(token)),
        () => auth.disableTwoFactor({ token: '000000' }, bearer(token)),
        () => auth.verifyTwoFactor({ token: '000000' }, bearer(token)),
        () => auth.refreshTokens({ refreshToken: token }),
      ];
      for (const call of calls) expect((await refusalOf(call())).reason).toBe('TOKEN_INVALID');
      expect((await auth.validateToken({ token }, asService)).active).toBe(false);
    }
  });

  test('is worth nothing together with somebody’s session', async () => {
    const { app } = rest;
    const victim = await registerTwoFactorPerson(app);
    const thief = await registerTwoFactorPerson(app);
    const challenge = await challengeOf(app, victim.phone);
    const token = codeOf(thief.secret);
    const mixed = app.clients.auth.verifyTwoFactor({ challenge, token }, bearer(thief.accessToken));
    expect((await refusalOf(mixed)).reason).toBe('VALIDATION_FAILED');
  });

  test('of one account is not answered by the factor of another', async () => {
    const { app } = rest;
    const victim = await registerTwoFactorPerson(app);
    const thief = await registerTwoFactorPerson(app);
    const challenge = await challengeOf(app, victim.phone);
    const { auth } = app.clients;
    const byApp = auth.verifyTwoFactor({ challenge, token: codeOf(thief.secret) });
    expect((await refusalOf(byApp)).reason).toBe('TWO_FACTOR_CODE_WRONG');
    const byPaper = auth.useBackupCode({ challenge, token: thief.backupCodes[0] ?? '' });
    expect((await refusalOf(byPaper)).reason).toBe('TWO_FACTOR_CODE_WRONG');
  });

  test('cannot be guessed, and its stored form does not answer it', async () => {
    const { app } = rest;
    const person = await registerTwoFactorPerson(app);
    const challenge = await challengeOf(app, person.phone);
    const [row] = await app.sql<{ id: Buffer }>(
      'SELECT id FROM two_factor_challenges WHERE user_id = $1',
      [person.userId],
    );
    const token = codeOf(person.secret);
    const stored = row?.id ?? Buffer.alloc(0);
    for (const guess of [
      stored.toString('base64url'),
      stored.toString('hex'),
      randomBytes(32).toString('base64url'),
      `${challenge}=`,
      challenge.toLowerCase(),
    ]) {
      const call = app.clients.auth.verifyTwoFactor({ challenge: guess, token });
      expect((await refusalOf(call)).reason).toBe('CHALLENGE_INVALID');
    }
    await app.clients.auth.verifyTwoFactor({ challenge, token });
  });

  test('is one session, not as many as answers sent together, and dies with it', async () => {
    const { app } = rest;
    const person = await registerTwoFactorPerson(app);
    const challenge = await challengeOf(app, person.phone);
    const [code = ''] = person.backupCodes;
    const totp = codeOf(person.secret);
    const calls = await together<unknown>(5, (index) =>
      index % 2 === 0
        ? app.clients.auth.verifyTwoFactor({ challenge, token: totp })
        : app.clients.auth.useBackupCode({ challenge, token: code }),
    );
    expect(countReasons(calls)['OK']).toBe(1);
    expect(await livingSessions(person.userId)).toBe(2);
    await freshenCodes(app, person.userId);
    const late = app.clients.auth.verifyTwoFactor({ challenge, token: codeOf(person.secret) });
    expect((await refusalOf(late)).reason).toBe('CHALLENGE_INVALID');
  });

  test('takes five tries, right ones after them too, in parallel', async () => {
    const { app } = rest;
    const person = await registerTwoFactorPerson(app);
    const challenge = await challengeOf(app, person.phone);
    const token = wrongCodeFor(person.secret);
    const calls = await together(64, () => app.clients.auth.verifyTwoFactor({ challenge, token }));
    expect(countReasons(calls)['TWO_FACTOR_CODE_WRONG']).toBe(5);
    await freshenCodes(app, person.userId);
    const late = app.clients.auth.verifyTwoFactor({ challenge, token: codeOf(person.secret) });
    expect((await refusalOf(late)).reason).toBe('CHALLENGE_INVALID');
  });
});
