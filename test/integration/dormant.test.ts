import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { letSleep } from '../support/dormant.ts';
import { legacyBundle, prove, registerPerson, signIn } from '../support/person.ts';

const OLD_NAME = 'First device';
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('registering on a number that has an account', () => {
  test('is refused while the account is in use, with the wish to replace it too', async () => {
    const owner = await registerPerson(app);
    const { verificationId } = await prove(app, 'register', { phone: owner.phone });
    for (const replaceDormantAccount of [false, true]) {
      const refusal = await refusalOf(register(verificationId, replaceDormantAccount));
      expect(refusal).toMatchObject({ reason: 'ACCOUNT_EXISTS', code: 6 });
    }
    await letSleep(app, owner.userId, 29);
    const { reason } = await refusalOf(register(verificationId, true));
    expect(reason).toBe('ACCOUNT_EXISTS');
    expect(await numberOf(owner.userId)).toBe(owner.phone);
  });

  test('says that the account is dormant and leaves the verification unspent', async () => {
    const owner = await registerPerson(app);
    await letSleep(app, owner.userId);
    const { verificationId } = await prove(app, 'register', { phone: owner.phone });
    const refusal = await refusalOf(register(verificationId, false));
    expect(refusal).toMatchObject({ reason: 'ACCOUNT_DORMANT', code: 6 });
    expect(await numberOf(owner.userId)).toBe(owner.phone);
    const { userId } = await register(verificationId, true);
    expect(userId).not.toBe(owner.userId);
  });

  test('moves the number: a new id, and nothing of the old account is shown', async () => {
    const owner = await registerPerson(app);
    await app.sql('UPDATE users_auth SET two_factor_enabled = true WHERE id = $1', [owner.userId]);
    await letSleep(app, owner.userId);
    const { verificationId } = await prove(app, 'register', { phone: owner.phone });
    const heir = await register(verificationId, true);
    const accounts = await app.sql(
      `SELECT phone_number, two_factor_enabled FROM users_auth WHERE id = $1`,
      [owner.userId],
    );
    expect(accounts).toEqual([{ phone_number: null, two_factor_enabled: true }]);
    expect(await numberOf(heir.userId)).toBe(owner.phone);
    expect(await shownTo(heir.accessToken)).not.toContain(owner.deviceId);
    expect(await keysOf(owner.userId)).toBe(0);
    const again = await refusalOf(register(verificationId, true));
    expect(again.reason).toBe('VERIFICATION_SPENT');
  });

  test('tells other services first of the account that left, then of the one that came', async () => {
    const owner = await registerPerson(app);
    await letSleep(app, owner.userId);
    const { verificationId } = await prove(app, 'register', { phone: owner.phone });
    const heir = await register(verificationId, true);
    const events = await app.sql(
      `SELECT account_id, type, phone_key IS NOT NULL AS "isOfNumber" FROM outbox
        WHERE account_id IN ($1, $2) AND type <> 'security' ORDER BY id`,
      [owner.userId, heir.userId],
    );
    expect(events).toEqual([
      { account_id: owner.userId, type: 'user.registered', isOfNumber: true },
      { account_id: owner.userId, type: 'device.revoked', isOfNumber: false },
      { account_id: owner.userId, type: 'user.deprovisioned', isOfNumber: true },
      { account_id: heir.userId, type: 'user.registered', isOfNumber: true },
    ]);
    expect(await auditOf(owner.userId)).toContain('account.number_moved');
  });
});

describe('signing in to a dormant account by SMS', () => {
  test('removes the devices of the owner before, and their names from every answer', async () => {
    const owner = await registerPerson(app);
    await signIn(app, owner.phone);
    await letSleep(app, owner.userId);
    const heir = await signIn(app, owner.phone);
    expect(heir.userId).toBe(owner.userId);
    const devices = await app.sql('SELECT id FROM devices WHERE user_id = $1', [owner.userId]);
    expect(devices).toEqual([{ id: heir.deviceId }]);
    expect(await keysOf(owner.userId)).toBe(1);
    const shown = await shownTo(heir.accessToken);
    expect(shown).not.toContain(OLD_NAME);
    expect(shown).not.toContain(owner.deviceId);
    const refresh = app.clients.auth.refreshTokens({ refreshToken: owner.refreshToken });
    expect((await refusalOf(refresh)).reason).toBe('SESSION_REVOKED');
  });

  test('hides what happened before, and only that', async () => {
    const owner = await registerPerson(app);
    await letSleep(app, owner.userId);
    await signIn(app, owner.phone);
    const rows = await app.sql(
      `SELECT (SELECT count(*)::int FROM login_history h
                WHERE h.user_id = u.id AND h.created_at >= u.history_from) AS shown,
              (SELECT count(*)::int FROM login_history h WHERE h.user_id = u.id) AS kept
         FROM users_auth u WHERE u.id = $1`,
      [owner.userId],
    );
    expect(rows).toEqual([{ shown: 1, kept: 2 }]);
    expect(await auditOf(owner.userId)).toContain('account.reopened');
  });

  test('tells siblings of devices that they still know', async () => {
    const owner = await registerPerson(app);
    await letSleep(app, owner.userId);
    await signIn(app, owner.phone);
    const events = await app.sql(
      `SELECT type FROM outbox WHERE account_id = $1 AND type <> 'security' ORDER BY id`,
      [owner.userId],
    );
    expect(events).toEqual([{ type: 'user.registered' }, { type: 'device.revoked' }]);
  });

  test('under the device id of the owner before gives a device without its keys', async () => {
    const owner = await registerPerson(app);
    await letSleep(app, owner.userId);
    const before = await identityOf(owner.userId);
    const heir = await signIn(app, owner.phone, owner.deviceId);
    expect(heir.deviceId).toBe(owner.deviceId);
    expect(await identityOf(owner.userId)).not.toEqual(before);
  });

  test('of an account in use removes and hides nothing', async () => {
    const owner = await registerPerson(app);
    await letSleep(app, owner.userId, 29);
    await signIn(app, owner.phone);
    const devices = await app.sql('SELECT id FROM devices WHERE user_id = $1', [owner.userId]);
    expect(devices).toHaveLength(2);
    const rows = await app.sql('SELECT history_from FROM users_auth WHERE id = $1', [owner.userId]);
    expect(rows).toEqual([{ history_from: null }]);
  });

  test('with a second factor removes and hides nothing: the factor decides', async () => {
    const owner = await registerPerson(app);
    await app.sql('UPDATE users_auth SET two_factor_enabled = true WHERE id = $1', [owner.userId]);
    await letSleep(app, owner.userId);
    expect((await refusalOf(signIn(app, owner.phone))).reason).toBe('TWO_FACTOR_REQUIRED');
    const devices = await app.sql('SELECT id FROM devices WHERE user_id = $1', [owner.userId]);
    expect(devices).toEqual([{ id: owner.deviceId }]);
    const rows = await app.sql('SELECT history_from FROM users_auth WHERE id = $1', [owner.userId]);
    expect(rows).toEqual([{ history_from: null }]);
  });

  test('of an account that is locked down is refused', async () => {
    const owner = await registerPerson(app);
    await letSleep(app, owner.userId);
    await app.sql(
      `UPDATE users_auth SET locked_down_at = now(), locked_down_by = 'owner' WHERE id = $1`,
      [owner.userId],
    );
    const refusal = await refusalOf(signIn(app, owner.phone));
    expect(refusal).toMatchObject({ reason: 'ACCOUNT_LOCKED_DOWN', metadata: { by: 'owner' } });
    const history = await app.sql(
      `SELECT status, reason, device_id IS NOT NULL AS "hasDevice" FROM login_history
        WHERE user_id = $1 ORDER BY id DESC LIMIT 1`,
      [owner.userId],
    );
    expect(history).toEqual([
      { status: 'failure', reason: 'ACCOUNT_LOCKED_DOWN', hasDevice: true },
    ]);
  });
});

describe('a request that reveals accounts', () => {
  test('does not reveal a dormant one', async () => {
    const revealing = await app.replica({ REVEAL_ACCOUNT_EXISTENCE: 'true' });
    const owner = await registerPerson(app);
    const request = { phoneNumber: owner.phone };
    const refusal = await refusalOf(revealing.clients.auth.requestRegisterVerification(request));
    expect(refusal.reason).toBe('ACCOUNT_EXISTS');
    await letSleep(app, owner.userId);
    const { auth } = revealing.clientsAt('198.51.100.77');
    await expect(auth.requestRegisterVerification(request)).resolves.toBeDefined();
    await revealing.stop();
  });
});

function register(verificationId: string, replaceDormantAccount: boolean) {
  const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
  const signalKeyBundle = legacyBundle();
  return app.clients.auth.register({ ...device, replaceDormantAccount, signalKeyBundle });
}

async function numberOf(userId: string): Promise<string | null | undefined> {
  const rows = await app.sql<{ phone_number: string | null }>(
    'SELECT phone_number FROM users_auth WHERE id = $1',
    [userId],
  );
  return rows[0]?.phone_number;
}

async function keysOf(userId: string): Promise<number> {
  const rows = await app.sql<{ count: number }>(
    'SELECT count(*)::int AS count FROM identity_keys WHERE user_id = $1',
    [userId],
  );
  return rows[0]?.count ?? -1;
}

async function identityOf(userId: string): Promise<unknown[]> {
  return app.sql('SELECT public_key FROM identity_keys WHERE user_id = $1', [userId]);
}

async function auditOf(accountId: string): Promise<string[]> {
  const rows = await app.sql<{ type: string }>(
    'SELECT type FROM audit_events WHERE account_id = $1',
    [accountId],
  );
  return rows.map(({ type }) => type);
}

/** Everything that the account's lists tell, as one text. */
async function shownTo(accessToken: string): Promise<string> {
  const { auth, device } = app.clients;
  const as = bearer(accessToken);
  const { devices } = await device.listDevices({}, as);
  const { sessions } = await auth.listSessions({}, as);
  const { entries } = await auth.listLoginHistory({}, as);
  const texts = [
    ...devices.map(({ id, name }) => `${id} ${name}`),
    ...sessions.map(({ deviceId, deviceName }) => `${deviceId} ${deviceName}`),
    ...entries.map(({ deviceId, deviceName }) => `${deviceId} ${deviceName}`),
  ];
  return texts.join('\n');
}
