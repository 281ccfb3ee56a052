import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { SERVICE_TEST_TOKEN, startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { countEvents, deviceIdsOf } from '../support/devices.ts';
import { registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { connectionAs } from '../support/postgres.ts';

const asService = { headers: { 'x-test-caller': SERVICE_TEST_TOKEN } };
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('one device', () => {
  test.each([
    ['unknown', (_owner: SignedIn) => Promise.resolve(randomUUID())],
    ['somebody else’s', async (_owner: SignedIn) => (await registerPerson(app)).deviceId],
    ['removed', removedDevice],
  ])('that is %s cannot be read, renamed or removed', async (_kind, idOf) => {
    const owner = await registerPerson(app);
    const deviceId = await idOf(owner);
    const { device } = app.clients;
    const as = bearer(owner.accessToken);
    for (const call of [
      () => device.getDevice({ deviceId }, as),
      () => device.renameDevice({ deviceId, changes: { name: 'Mine' } }, as),
      () => device.revokeDevice({ deviceId }, as),
    ]) {
      expect(await refusalOf(call())).toMatchObject({ reason: 'DEVICE_NOT_FOUND', code: 5 });
    }
  });

  test('is told with what it said of itself, and whether it is the bearer’s', async () => {
    const owner = await registerPerson(app);
    const { deviceId } = await signIn(app, owner.phone);
    const read = (id: string) =>
      app.clients.device.getDevice({ deviceId: id.toUpperCase() }, bearer(owner.accessToken));
    const common = { isActive: true, isVerified: true, isReplaceable: false };
    expect(await read(owner.deviceId)).toMatchObject({
      device: { ...common, id: owner.deviceId, platform: 'ios', isCurrent: true },
    });
    expect(await read(deviceId)).toMatchObject({
      device: { ...common, id: deviceId, name: 'Next device', isCurrent: false },
    });
  });

  test('that signed out is no longer active or listed, but can be read and removed', async () => {
    const owner = await registerPerson(app);
    const { accessToken, deviceId } = await signIn(app, owner.phone);
    await app.clients.auth.logout({}, bearer(accessToken));
    const as = bearer(owner.accessToken);
    const { device } = await app.clients.device.getDevice({ deviceId }, as);
    expect(device).toMatchObject({ isActive: false, isReplaceable: false });
    expect(await deviceIdsOf(app, owner)).toEqual([owner.deviceId]);
    await app.clients.device.revokeDevice({ deviceId }, as);
    expect(await countEvents(app, owner, 'device.revoked')).toBe(1);
  });
});

describe('renaming a device', () => {
  test('changes its name, without control characters, everywhere it is shown', async () => {
    const owner = await registerPerson(app);
    const as = bearer(owner.accessToken);
    const wish = { deviceId: owner.deviceId, changes: { name: '  Ana\u0000’s\u001b 📱\n ' } };
    const { device } = await app.clients.device.renameDevice(wish, as);
    expect(device).toMatchObject({ id: owner.deviceId, name: 'Ana’s 📱', isCurrent: true });
    const { devices } = await app.clients.device.listDevices({}, as);
    const { sessions } = await app.clients.auth.listSessions({}, as);
    expect([devices[0]?.name, sessions[0]?.deviceName]).toEqual(['Ana’s 📱', 'Ana’s 📱']);
  });

  test.each(['', '\u0000', ' \t\r\n', 'x'.repeat(101)])('to %j is refused', async (name) => {
    const owner = await registerPerson(app);
    const wish = { deviceId: owner.deviceId, changes: { name } };
    const call = app.clients.device.renameDevice(wish, bearer(owner.accessToken));
    const refusal = await refusalOf(call);
    expect(refusal).toMatchObject({ reason: 'VALIDATION_FAILED', fields: ['changes.name'] });
  });
});

describe('the devices of accounts, for services,', () => {
  test('come in the order asked for; unknown accounts have none, one asked twice comes twice', async () => {
    const one = await registerPerson(app);
    const second = await signIn(app, one.phone);
    const other = await registerPerson(app);
    await app.clients.auth.logout({}, bearer(other.accessToken));
    const userIds = [other.userId, one.userId, randomUUID(), one.userId.toUpperCase()];
    const { users } = await app.clients.device.listUserDevices({ userIds }, asService);
    expect(users.map(({ userId }) => userId)).toEqual(userIds.map((id) => id.toLowerCase()));
    const ids = users.map(({ devices }) => devices.map(({ id }) => id));
    const both = [second.deviceId, one.deviceId];
    expect(ids).toEqual([[], both, [], both]);
    expect(users[1]?.devices[0]).toMatchObject({ isCurrent: false, isActive: true });
  });

  test('are answered for 500 accounts at once, and for no more', async () => {
    const { userId } = await registerPerson(app);
    const userIds = [...Array.from({ length: 499 }, () => randomUUID()), userId];
    const { users } = await app.clients.device.listUserDevices({ userIds }, asService);
    expect([users.length, users.at(-1)?.devices.length]).toEqual([500, 1]);
    for (const wrong of [[], [...userIds, userId], ['none']]) {
      const call = app.clients.device.listUserDevices({ userIds: wrong }, asService);
      expect((await refusalOf(call)).reason).toBe('VALIDATION_FAILED');
    }
  });
});

test('calls of a signed-in device write nothing: its last use is told by refreshes', async () => {
  const person = await registerPerson(app);
  const as = bearer(person.accessToken);
  const blocker = new Client(
    connectionAs('superuser', Number(app.settings['DB_PORT']), app.settings['DB_NAME'] ?? ''),
  );
  await blocker.connect();
  const tables = await app.sql<{ name: string }>(
    `SELECT string_agg(oid::regclass::text, ', ') AS name FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')`,
  );
  await blocker.query('BEGIN');
  await blocker.query(`LOCK TABLE ${tables[0]?.name ?? ''} IN SHARE MODE`);
  try {
    for (let count = 0; count < 20; count += 1) {
      await app.clients.device.listDevices({}, as);
      await app.clients.device.getDevice(person, as);
      await app.clients.auth.createWsToken({}, as);
      await app.clients.auth.validateToken({ token: person.accessToken }, asService);
    }
  } finally {
    await blocker.query('ROLLBACK');
    await blocker.end();
  }
  await app.sql(`UPDATE sessions SET last_seen_at = now() - interval '3 days' WHERE id = $1`, [
    person.sessionId,
  ]);
  await app.sql(`UPDATE devices SET last_active = now() - interval '3 days' WHERE id = $1`, [
    person.deviceId,
  ]);
  await app.clients.auth.refreshTokens({ refreshToken: person.refreshToken });
  const { device } = await app.clients.device.getDevice(person, as);
  const agoMs = Date.now() - Number(device?.lastActiveTime?.seconds ?? 0) * 1000;
  expect(agoMs).toBeLessThan(60_000);
});

async function removedDevice(owner: SignedIn): Promise<string> {
  const { deviceId } = await signIn(app, owner.phone);
  await app.clients.device.revokeDevice({ deviceId }, bearer(owner.accessToken));
  return deviceId;
}
