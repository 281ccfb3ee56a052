import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SERVICE_TEST_TOKEN, startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { legacyBundle, prove, registerPerson, signIn } from '../support/person.ts';
import { eventually } from '../support/private-stores.ts';

const asService = { headers: { 'x-test-caller': SERVICE_TEST_TOKEN } };
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('registering', () => {
  test('stores account, device, session, keys, audit and outbox together', async () => {
    const { userId, deviceId, sessionId } = await registerPerson(app);
    const [rows] = await app.sql(
      `SELECT (SELECT count(*)::int FROM devices WHERE user_id = $1) AS devices,
              (SELECT count(*)::int FROM sessions WHERE id = $3) AS sessions,
              (SELECT count(*)::int FROM prekeys WHERE device_id = $2) AS prekeys,
              (SELECT count(*)::int FROM signed_prekeys WHERE device_id = $2) AS signed,
              (SELECT legacy_encoding FROM identity_keys WHERE device_id = $2) AS legacy,
              (SELECT array_agg(type ORDER BY type) FROM audit_events WHERE account_id = $1) AS audit,
              (SELECT array_agg(type) FROM outbox WHERE account_id = $1) AS outbox,
              (SELECT array_agg(status) FROM login_history WHERE user_id = $1) AS history`,
      [userId, deviceId, sessionId],
    );
    expect(rows).toEqual({
      devices: 1,
      sessions: 1,
      prekeys: 100,
      signed: 1,
      legacy: true,
      audit: ['account.registered', 'device.added', 'keys.published', 'session.opened'],
      outbox: ['user.registered'],
      history: ['success'],
    });
  });

  test('half-way through leaves nothing, and the verification unspent', async () => {
    const { phone, verificationId } = await prove(app, 'register');
    await app.sql('ALTER TABLE outbox ADD CONSTRAINT crash CHECK (false) NOT VALID');
    const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
    expect((await refusalOf(app.clients.auth.register(device))).reason).toBe('INTERNAL');
    await app.sql('ALTER TABLE outbox DROP CONSTRAINT crash');
    const accounts = 'SELECT count(*)::int AS count FROM users_auth WHERE phone_number = $1';
    expect(await app.sql(accounts, [phone])).toEqual([{ count: 0 }]);
    await app.clients.auth.register(device);
    expect(await app.sql(accounts, [phone])).toEqual([{ count: 1 }]);
  });

  test('on a number that has an account is refused, and a login works', async () => {
    const { phone } = await registerPerson(app);
    const { verificationId } = await prove(app, 'register', { phone });
    const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
    const refusal = await refusalOf(app.clients.auth.register(device));
    expect(refusal).toMatchObject({ reason: 'ACCOUNT_EXISTS', code: 6 });
    await signIn(app, phone);
  });

  test('takes any text as a name, without its control characters', async () => {
    const { verificationId } = await prove(app, 'register');
    const deviceName = '\u0000Ana\u0007\u001b[31m’s 📱';
    const device = { verificationId, deviceId: randomUUID(), deviceName, deviceType: 'ios\u0000' };
    const { accessToken } = await app.clients.auth.register(device);
    const { devices } = await app.clients.device.listDevices({}, bearer(accessToken));
    expect(devices[0]).toMatchObject({ name: 'Ana[31m’s 📱', platform: 'ios', isCurrent: true });
  });

  test.each([
    ['a short identity key', { identityKey: randomBytes(31) }, 'signalKeyBundle.identityKey'],
    [
      'a short signature',
      { signedPreKey: { keyId: 1, publicKey: randomBytes(32), signature: randomBytes(63) } },
      'signalKeyBundle.signedPreKey.signature',
    ],
    [
      'one id twice',
      { preKeys: [1, 1].map((keyId) => ({ keyId, publicKey: randomBytes(32) })) },
      'signalKeyBundle.preKeys[1].keyId',
    ],
  ] as const)('with %s names the field and spends nothing', async (_name, part, field) => {
    const { verificationId } = await prove(app, 'register');
    const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
    const bundle = { ...legacyBundle(), ...part };
    const refusal = await refusalOf(
      app.clients.auth.register({
        ...device,
        signalKeyBundle: { ...bundle, preKeys: [...bundle.preKeys] },
      }),
    );
    expect(refusal.reason).toBe('KEY_FORMAT_INVALID');
    expect(refusal.fields).toEqual([field]);
    await app.clients.auth.register({ ...device, signalKeyBundle: legacyBundle() });
  });
});

describe('a device id', () => {
  test('of a living session with another identity key is not handed to the newcomer', async () => {
    const owner = await registerPerson(app);
    const newcomer = await signIn(app, owner.phone, owner.deviceId);
    expect(newcomer.deviceId).not.toBe(owner.deviceId);
    const { sessions } = await app.clients.auth.listSessions({}, bearer(owner.accessToken));
    expect(sessions).toHaveLength(2);
    const keys = await app.sql('SELECT device_id FROM identity_keys WHERE user_id = $1', [
      owner.userId,
    ]);
    expect(keys).toHaveLength(2);
  });

  test('is scoped to its account', async () => {
    const deviceId = randomUUID();
    const one = await registerPerson(app, deviceId);
    const other = await registerPerson(app, deviceId);
    expect([one.deviceId, other.deviceId]).toEqual([deviceId, deviceId]);
    await app.clients.auth.logout({}, bearer(one.accessToken));
    const { devices } = await app.clients.device.listDevices({}, bearer(other.accessToken));
    expect(devices).toHaveLength(1);
  });
});

describe('logging out', () => {
  test('ends the bearer’s session only, whatever ids the body names, and erases the device’s keys', async () => {
    const person = await registerPerson(app);
    const second = await signIn(app, person.phone);
    const body = { userId: randomUUID(), deviceId: person.deviceId };
    await app.clients.auth.logout(body, bearer(second.accessToken));
    const { sessions } = await app.clients.auth.listSessions({}, bearer(person.accessToken));
    expect(sessions.map(({ id }) => id)).toEqual([person.sessionId]);
    const audit = `SELECT count(*)::int AS count FROM audit_events
                    WHERE type = 'session.logout.mismatch' AND session_id = $1`;
    expect(await app.sql(audit, [second.sessionId])).toEqual([{ count: 1 }]);
    const keys = 'SELECT count(*)::int AS count FROM prekeys WHERE device_id = $1';
    expect(await app.sql(keys, [second.deviceId])).toEqual([{ count: 0 }]);
    expect(await app.sql(keys, [person.deviceId])).toEqual([{ count: 100 }]);
  });

  test('is known to every replica within a second', async () => {
    const person = await registerPerson(app);
    const replica = await app.replica();
    await replica.clients.device.listDevices({}, bearer(person.accessToken));
    await app.clients.auth.logout({}, bearer(person.accessToken));
    const loggedOutAt = Date.now();
    const refusal = await eventually(
      () => refusalOf(replica.clients.device.listDevices({}, bearer(person.accessToken))),
      ({ reason }) => reason === 'SESSION_REVOKED',
    );
    expect(refusal.reason).toBe('SESSION_REVOKED');
    expect(Date.now() - loggedOutAt).toBeLessThan(1_000);
    const checked = await replica.clients.auth.validateToken(
      { token: person.accessToken },
      asService,
    );
    expect(checked).toMatchObject({ active: false, userId: '' });
    await replica.stop();
  });

  test('is not undone by signing in again on the same device', async () => {
    const person = await registerPerson(app);
    await app.clients.auth.logout({}, bearer(person.accessToken));
    await signIn(app, person.phone, person.deviceId);
    const { reason } = await refusalOf(
      app.clients.device.listDevices({}, bearer(person.accessToken)),
    );
    expect(reason).toBe('SESSION_REVOKED');
  });
});

describe('revoking', () => {
  test('somebody else’s session, or none, answers the same', async () => {
    const person = await registerPerson(app);
    const stranger = await registerPerson(app);
    for (const sessionId of [stranger.sessionId, randomUUID()]) {
      const call = app.clients.auth.revokeSession({ sessionId }, bearer(person.accessToken));
      expect(await refusalOf(call)).toMatchObject({ reason: 'SESSION_NOT_FOUND', code: 5 });
    }
    await app.clients.device.listDevices({}, bearer(stranger.accessToken));
  });

  test('an older session needs a step-up; younger ones and itself do not', async () => {
    const owner = await registerPerson(app);
    const junior = await signIn(app, owner.phone);
    const { auth } = app.clients;
    const up = auth.revokeSession({ sessionId: owner.sessionId }, bearer(junior.accessToken));
    expect((await refusalOf(up)).reason).toBe('STEP_UP_REQUIRED');
    const others = auth.revokeOtherSessions({}, bearer(junior.accessToken));
    expect((await refusalOf(others)).reason).toBe('STEP_UP_REQUIRED');
    const { sessions } = await auth.listSessions({}, bearer(owner.accessToken));
    expect(sessions.map(({ isJunior }) => isJunior).sort()).toEqual([false, true]);
    const { revokedCount } = await auth.revokeOtherSessions({}, bearer(owner.accessToken));
    expect(revokedCount).toBe(1);
    expect((await auth.revokeAllSessions({}, bearer(owner.accessToken))).revokedCount).toBe(1);
  });
});

test('the login history tells of successes and of wrong codes, newest first, in pages', async () => {
  const person = await registerPerson(app);
  const clients = app.clientsAt('203.0.113.9');
  const { verificationId } = await clients.auth.requestLoginVerification({
    phoneNumber: person.phone,
  });
  const code = app.inbox.codeFor(person.phone) === '111111' ? '222222' : '111111';
  await refusalOf(clients.auth.confirmLoginVerification({ verificationId, code }));
  const first = await app.clients.auth.listLoginHistory(
    { pageSize: 1 },
    bearer(person.accessToken),
  );
  expect(first.entries[0]).toMatchObject({
    status: 2,
    reason: 'CODE_WRONG',
    ipPrefix: '203.0.113.0/24',
  });
  const pageToken = first.nextPageToken;
  const rest = await app.clients.auth.listLoginHistory({ pageToken }, bearer(person.accessToken));
  expect(rest).toMatchObject({
    entries: [{ status: 1, deviceName: 'First device' }],
    nextPageToken: '',
  });
  const crossed = app.clients.auth.listSessions({ pageToken }, bearer(person.accessToken));
  expect((await refusalOf(crossed)).reason).toBe('PAGE_TOKEN_INVALID');
});
