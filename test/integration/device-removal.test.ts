import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { countAudited, countEvents, countKeys, deviceIdsOf } from '../support/devices.ts';
import { prove, registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { eventually } from '../support/private-stores.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('removing a device', () => {
  test('ends its sessions, erases its keys, and tells services and the owner once', async () => {
    const owner = await registerPerson(app);
    const { deviceId, accessToken, refreshToken, sessionId } = await signIn(app, owner.phone);
    await app.clients.device.revokeDevice({ deviceId }, bearer(owner.accessToken));
    const listing = app.clients.device.listDevices({}, bearer(accessToken));
    expect((await refusalOf(listing)).reason).toBe('SESSION_REVOKED');
    const refreshing = app.clients.auth.refreshTokens({ refreshToken });
    expect((await refusalOf(refreshing)).reason).toBe('SESSION_REVOKED');
    expect(await countKeys(app, deviceId)).toBe(0);
    expect(await countKeys(app, owner.deviceId)).toBe(102);
    expect(await countEvents(app, owner, 'device.revoked')).toBe(1);
    const [told] = await app.sql<{ payload: Buffer }>(
      `SELECT payload FROM outbox WHERE account_id = $1 AND type = 'security' ORDER BY id DESC LIMIT 1`,
      [owner.userId],
    );
    expect(told?.payload.toString('latin1')).toContain(deviceId);
    const revocations = 'SELECT reason FROM revocations WHERE session_id = $1';
    expect(await app.sql(revocations, [sessionId])).toEqual([{ reason: 'device_removed' }]);
  });

  test('is known to every replica within a second', async () => {
    const owner = await registerPerson(app);
    const { deviceId, accessToken } = await signIn(app, owner.phone);
    const replica = await app.replica();
    await replica.clients.device.listDevices({}, bearer(accessToken));
    await app.clients.device.revokeDevice({ deviceId }, bearer(owner.accessToken));
    const removedAt = Date.now();
    await eventually(
      () => refusalOf(replica.clients.device.listDevices({}, bearer(accessToken))),
      ({ reason }) => reason === 'SESSION_REVOKED',
    );
    expect(Date.now() - removedAt).toBeLessThan(1_000);
    await replica.stop();
  });

  test('that is the bearer’s own logs out', async () => {
    const owner = await registerPerson(app);
    const junior = await signIn(app, owner.phone);
    const as = bearer(junior.accessToken);
    await app.clients.device.revokeDevice({ deviceId: junior.deviceId }, as);
    const again = app.clients.device.revokeDevice({ deviceId: junior.deviceId }, as);
    expect((await refusalOf(again)).reason).toBe('SESSION_REVOKED');
    expect(await deviceIdsOf(app, owner)).toEqual([owner.deviceId]);
  });

  test('with an older session needs a step-up; with younger ones only it does not', async () => {
    const owner = await registerPerson(app);
    const junior = await signIn(app, owner.phone);
    const youngest = await signIn(app, owner.phone);
    const as = bearer(junior.accessToken);
    const { device } = app.clients;
    const up = device.revokeDevice({ deviceId: owner.deviceId }, as);
    expect((await refusalOf(up)).reason).toBe('STEP_UP_REQUIRED');
    const others = device.revokeOtherDevices({}, as);
    expect((await refusalOf(others)).reason).toBe('STEP_UP_REQUIRED');
    await device.revokeDevice({ deviceId: youngest.deviceId }, as);
    expect((await deviceIdsOf(app, owner)).sort()).toEqual(
      [owner.deviceId, junior.deviceId].sort(),
    );
    expect(await countEvents(app, owner, 'device.revoked')).toBe(1);
    await stepUp(junior);
    await device.revokeDevice({ deviceId: owner.deviceId }, as);
    expect(await deviceIdsOf(app, junior)).toEqual([junior.deviceId]);
  });

  test('is refused to a session that was ended a moment ago on another replica', async () => {
    const owner = await registerPerson(app);
    const thief = await signIn(app, owner.phone);
    await app.sql(
      `UPDATE sessions SET created_at = created_at - interval '2 days' WHERE user_id = $1`,
      [owner.userId],
    );
    await app.sql(
      `UPDATE sessions SET revoked_at = now(), revoke_reason = 'revoked' WHERE id = $1`,
      [thief.sessionId],
    );
    const as = bearer(thief.accessToken);
    const { device, auth } = app.clients;
    for (const act of [
      () => device.revokeDevice({ deviceId: owner.deviceId }, as),
      () => device.revokeOtherDevices({}, as),
      () => auth.revokeSession({ sessionId: owner.sessionId }, as),
      () => auth.revokeAllSessions({}, as),
    ]) {
      expect((await refusalOf(act())).reason).toBe('SESSION_REVOKED');
    }
    expect(await deviceIdsOf(app, owner)).toEqual([owner.deviceId]);
  });
});

describe('removing all other devices', () => {
  test('leaves the bearer’s, counts the removed, and tells of each', async () => {
    const owner = await registerPerson(app);
    for (let count = 0; count < 3; count += 1) await signIn(app, owner.phone);
    const as = bearer(owner.accessToken);
    const { device } = app.clients;
    expect(await device.revokeOtherDevices({}, as)).toMatchObject({ revokedCount: 3 });
    expect(await deviceIdsOf(app, owner)).toEqual([owner.deviceId]);
    expect(await countEvents(app, owner, 'device.revoked')).toBe(3);
    expect(await device.revokeOtherDevices({}, as)).toMatchObject({ revokedCount: 0 });
    expect(await countEvents(app, owner, 'device.revoked')).toBe(3);
  });
});

describe('a removed device that signs in again', () => {
  test('is a new one: no old keys, token or seniority, and the owner is told', async () => {
    const owner = await registerPerson(app);
    const before = await signIn(app, owner.phone);
    await app.clients.device.revokeDevice(before, bearer(owner.accessToken));
    const { verificationId } = await prove(app, 'login', { phone: owner.phone });
    const { deviceId } = before;
    const again = await app.clients.auth.login({ verificationId, deviceId, deviceType: 'web' });
    expect(again.deviceId).toBe(deviceId);
    expect(await countKeys(app, deviceId)).toBe(0);
    for (const call of [
      () => app.clients.device.listDevices({}, bearer(before.accessToken)),
      () => app.clients.auth.refreshTokens({ refreshToken: before.refreshToken }),
    ]) {
      expect((await refusalOf(call())).reason).toBe('SESSION_REVOKED');
    }
    const up = app.clients.device.revokeDevice(owner, bearer(again.accessToken));
    expect((await refusalOf(up)).reason).toBe('STEP_UP_REQUIRED');
    expect(await countAudited(app, deviceId, 'device.added')).toBe(2);
    expect(await countEvents(app, owner, 'security')).toBe(3);
    const { device } = await app.clients.device.getDevice({ deviceId }, bearer(owner.accessToken));
    const [row] = await app.sql<{ isFresh: boolean }>(
      `SELECT d.created_at = s.created_at AS "isFresh" FROM devices d
         JOIN sessions s ON s.id = $1 WHERE d.user_id = $2 AND d.id = $3`,
      [again.sessionId, owner.userId, deviceId],
    );
    expect([device?.isActive, row?.isFresh]).toEqual([true, true]);
  });
});

async function stepUp({ sessionId }: SignedIn): Promise<void> {
  await app.sql('UPDATE sessions SET stepped_up_at = now() WHERE id = $1', [sessionId]);
}
