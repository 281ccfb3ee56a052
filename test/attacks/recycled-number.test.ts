import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, countReasons, refusalOf, together } from '../support/client.ts';
import { countKeys } from '../support/devices.ts';
import { letSleep } from '../support/dormant.ts';
import { prove, provenLogins, registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import {
  challengeOf,
  codeOf,
  freshenCodes,
  refusedLogin,
  registerTwoFactorPerson,
} from '../support/two-factor-person.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

const entry = (verificationId: string) => ({
  verificationId,
  deviceId: randomUUID(),
  deviceType: 'ios',
});

/** The number is the carrier’s again, and somebody else’s now. */
async function abandoned(): Promise<{ owner: SignedIn; second: SignedIn }> {
  const owner = await registerPerson(app);
  const second = await signIn(app, owner.phone);
  await letSleep(app, owner.userId);
  return { owner, second };
}

// Studies of recycled numbers (2021): most new owners could open accounts of the old ones.
describe('the next owner of a number', () => {
  test('who signs in finds no device, session, key or history of the one before', async () => {
    const { owner, second } = await abandoned();
    const { verificationId } = await prove(app, 'login', { phone: owner.phone });
    const next = await app.clients.auth.login(entry(verificationId));
    const as = bearer(next.accessToken);
    const { auth, device } = app.clients;
    expect((await device.listDevices({}, as)).devices.map(({ id }) => id)).toEqual([next.deviceId]);
    expect((await auth.listSessions({}, as)).sessions).toHaveLength(1);
    const { entries } = await auth.listLoginHistory({ pageSize: 100 }, as);
    const known = [owner.deviceId, second.deviceId];
    expect(entries.filter(({ deviceId }) => known.includes(deviceId))).toEqual([]);
    const { events } = await auth.listAuditEvents({ pageSize: 100 }, as);
    expect(events.filter(({ deviceId }) => known.includes(deviceId))).toEqual([]);
    for (const { deviceId } of [owner, second]) {
      expect(await countKeys(app, deviceId)).toBe(0);
      expect((await refusalOf(device.getDevice({ deviceId }, as))).reason).toBe('DEVICE_NOT_FOUND');
      const named = auth.listLoginHistory({ deviceId }, as);
      expect((await named).entries).toEqual([]);
    }
  });

  test('who takes the number over gets another account, and the old one keeps no way in', async () => {
    const { owner } = await abandoned();
    const { auth } = app.clients;
    const { verificationId } = await prove(app, 'register', { phone: owner.phone });
    const asked = await refusalOf(auth.register(entry(verificationId)));
    expect(asked.reason).toBe('ACCOUNT_DORMANT');
    const taken = await auth.register({ ...entry(verificationId), replaceDormantAccount: true });
    expect(taken.userId).not.toBe(owner.userId);
    const { devices } = await app.clients.device.listDevices({}, bearer(taken.accessToken));
    expect(devices).toHaveLength(1);
    const { refreshToken } = owner;
    const refresh = await refusalOf(auth.refreshTokens({ refreshToken }));
    expect(['TOKEN_EXPIRED', 'SESSION_REVOKED']).toContain(refresh.reason);
    const again = await prove(app, 'login', { phone: owner.phone });
    expect((await auth.login(entry(again.verificationId))).userId).toBe(taken.userId);
  });

  test('cannot take over a number in use, in parallel with its sleep ending either', async () => {
    const { owner } = await abandoned();
    const register = await prove(app, 'register', { phone: owner.phone });
    const [login = ''] = await provenLogins(app, owner.phone, 1);
    const calls = await together<unknown>(2, (index) =>
      index === 0
        ? app.clients.auth.login(entry(login))
        : app.clients.auth.register({
            ...entry(register.verificationId),
            replaceDormantAccount: true,
          }),
    );
    const accounts = await app.sql<{ id: string }>(
      'SELECT id FROM users_auth WHERE phone_number = $1',
      [owner.phone],
    );
    expect(accounts).toHaveLength(1);
    expect(countReasons(calls)['OK']).toBeGreaterThanOrEqual(1);
    const awake = await registerPerson(app);
    const { verificationId } = await prove(app, 'register', { phone: awake.phone });
    const call = app.clients.auth.register({
      ...entry(verificationId),
      replaceDormantAccount: true,
    });
    expect((await refusalOf(call)).reason).toBe('ACCOUNT_EXISTS');
  });

  test('needs the second factor where the old owner had one, and gets a new account without', async () => {
    const owner = await registerTwoFactorPerson(app);
    await letSleep(app, owner.userId);
    expect((await refusedLogin(app, owner.phone)).reason).toBe('TWO_FACTOR_REQUIRED');
    const { verificationId } = await prove(app, 'register', { phone: owner.phone });
    const taken = await app.clients.auth.register({
      ...entry(verificationId),
      replaceDormantAccount: true,
    });
    expect(taken.userId).not.toBe(owner.userId);
    await freshenCodes(app, owner.userId);
    const token = codeOf(owner.secret);
    const own = app.clients.auth.verifyTwoFactor({ token }, bearer(taken.accessToken));
    expect((await refusalOf(own)).reason).toBe('TWO_FACTOR_NOT_ENABLED');
  });

  test('does not turn a challenge of the old owner into a session, nor does the old owner', async () => {
    const owner = await registerTwoFactorPerson(app);
    const challenge = await challengeOf(app, owner.phone);
    await letSleep(app, owner.userId);
    const { verificationId } = await prove(app, 'register', { phone: owner.phone });
    await app.clients.auth.register({ ...entry(verificationId), replaceDormantAccount: true });
    const answer = { challenge, token: codeOf(owner.secret) };
    const { reason } = await refusalOf(app.clients.auth.verifyTwoFactor(answer));
    expect(reason).toBe('CHALLENGE_INVALID');
  });
});
