import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SERVICE_TEST_TOKEN, startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf, settle, together } from '../support/client.ts';
import { prove, registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { eventually, startFragileApp } from '../support/private-stores.ts';

const asService = { headers: { 'x-test-caller': SERVICE_TEST_TOKEN } };
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

/** Neither token of the session opens anything, and no other service is told that it lives. */
async function expectEnded(service: TestApp, session: SignedIn): Promise<void> {
  const { accessToken, refreshToken } = session;
  const { auth, device } = service.clients;
  const calls = [
    device.listDevices({}, bearer(accessToken)),
    auth.refreshTokens({ refreshToken }),
    auth.createWsToken({}, bearer(accessToken)),
  ];
  for (const call of calls) expect((await refusalOf(call)).reason).toBe('SESSION_REVOKED');
  expect((await auth.validateToken({ token: accessToken }, asService)).active).toBe(false);
}

// Incidents where removing a device removed a row of a list and left its tokens good (OWASP ASVS §7.4).
describe('a thief on a device that its owner removes', () => {
  test('loses every session and token of that device at once, on every replica', async () => {
    const owner = await registerPerson(app);
    const thief = await signIn(app, owner.phone);
    const again = await signInOn(thief.deviceId, owner.phone);
    const replica = await app.replica();
    await replica.clients.device.listDevices({}, bearer(thief.accessToken));
    const { wsToken } = await app.clients.auth.createWsToken({}, bearer(thief.accessToken));
    const request = { deviceId: thief.deviceId };
    await app.clients.device.revokeDevice(request, bearer(owner.accessToken));
    for (const session of [thief, again]) await expectEnded(app, session);
    const onReplica = await eventually(
      () => refusalOf(replica.clients.device.listDevices({}, bearer(thief.accessToken))),
      ({ reason }) => reason === 'SESSION_REVOKED',
      1_500,
    );
    expect(onReplica.reason).toBe('SESSION_REVOKED');
    const ws = await app.clients.auth.validateToken({ token: wsToken, use: 2 }, asService);
    expect(ws.active).toBe(false);
    await app.clients.device.listDevices({}, bearer(owner.accessToken));
    await replica.stop();
  });

  test('is not let in by a refresh that races with the removal', async () => {
    const owner = await registerPerson(app);
    const thief = await signIn(app, owner.phone);
    const calls = await together(65, (index) =>
      index === 32
        ? app.clients.device
            .revokeDevice({ deviceId: thief.deviceId }, bearer(owner.accessToken))
            .then(() => undefined)
        : app.clients.auth.refreshTokens({ refreshToken: thief.refreshToken }),
    );
    for (const call of calls) {
      if (call.status === 'ok' && call.value) await expectEnded(app, { ...thief, ...call.value });
    }
    await expectEnded(app, thief);
  });
});

// A revocation list keyed by user or device that the next login clears.
describe('a session that was ended', () => {
  test.each([
    ['a logout', logOut],
    ['the end of all sessions', endAll],
    ['a reused refresh token', reuse],
  ] as const)('by %s stays ended when its device signs in again', async (_name, end) => {
    const person = await registerPerson(app);
    const ended = await end(person);
    const next = await signIn(app, person.phone, person.deviceId);
    expect(next.deviceId).toBe(person.deviceId);
    await expectEnded(app, ended);
    await app.clients.auth.refreshTokens({ refreshToken: next.refreshToken });
    await expectEnded(app, ended);
    const replica = await app.replica();
    await expectEnded(replica, ended);
    await replica.stop();
  });

  // Asynchronous fail-over, or a write that was on its way when the session ended.
  test.each([
    ['says that it is valid', (key: string) => app.redis.set(key, 'valid', 'EX', 600)],
    ['forgets it', (key: string) => app.redis.del(key)],
    ['is empty', () => app.redis.flushdb()],
  ] as const)('stays ended when a late write to Redis %s', async (_name, write) => {
    const person = await registerPerson(app);
    await logOut(person);
    await write(`session:${person.sessionId}`);
    await expectEnded(app, person);
    const replica = await app.replica();
    await expectEnded(replica, person);
    await replica.stop();
  });
});

test('an ended session opens nothing while PostgreSQL is away, whatever Redis was made to say', async () => {
  const fragile = await startFragileApp({ DB_STATEMENT_TIMEOUT_MS: '1000' });
  try {
    const [forgotten, revived] = [await registerPerson(fragile), await registerPerson(fragile)];
    for (const { accessToken } of [forgotten, revived]) {
      await fragile.clients.auth.logout({}, bearer(accessToken));
    }
    const replica = await fragile.replica();
    await fragile.redis.del(`session:${forgotten.sessionId}`);
    await fragile.redis.set(`session:${revived.sessionId}`, 'valid');
    await fragile.postgres.kill();
    await eventually(
      () => refusalOf(replica.clients.ops.getReadiness({})),
      ({ reason }) => reason === 'NOT_READY',
    );
    for (const { accessToken } of [forgotten, revived]) {
      for (const service of [fragile, replica]) {
        const call = await settle(service.clients.device.listDevices({}, bearer(accessToken)));
        expect(call.status).toBe('refused');
        const token = { token: accessToken };
        const told = await settle(service.clients.auth.validateToken(token, asService));
        expect(told.status === 'ok' && told.value.active).toBe(false);
      }
    }
    await replica.stop();
  } finally {
    await fragile.stop();
  }
});

/** A second session of the same device: without keys, which would tell it from its owner. */
async function signInOn(deviceId: string, phone: string): Promise<SignedIn> {
  const { verificationId } = await prove(app, 'login', { phone });
  const device = { verificationId, deviceId, deviceType: 'android' };
  return { ...(await app.clients.auth.login(device)), phone };
}

async function logOut(person: SignedIn): Promise<SignedIn> {
  await app.clients.auth.logout({}, bearer(person.accessToken));
  return person;
}

async function endAll(person: SignedIn): Promise<SignedIn> {
  await app.clients.auth.revokeAllSessions({}, bearer(person.accessToken));
  return person;
}

async function reuse(person: SignedIn): Promise<SignedIn> {
  const { auth } = app.clients;
  const first = await auth.refreshTokens({ refreshToken: person.refreshToken });
  await auth.refreshTokens({ refreshToken: first.refreshToken });
  const call = auth.refreshTokens({ refreshToken: person.refreshToken });
  expect((await refusalOf(call)).reason).toBe('REFRESH_REUSED');
  return person;
}
