import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, countReasons, refusalOf, together } from '../support/client.ts';
import { legacyBundle, provenLogins, registerPerson } from '../support/person.ts';

const CALLERS = 64;
const CAP = 10;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('the device cap', () => {
  test('holds under 64 parallel logins with 64 verifications', async () => {
    const person = await registerPerson(app);
    const verifications = await provenLogins(app, person.phone, CALLERS);
    const logins = await together(CALLERS, (index) => login(verifications[index] ?? ''));
    expect(countReasons(logins)).toEqual({ OK: CAP - 1, DEVICE_LIMIT: CALLERS - (CAP - 1) });
    const { devices } = await app.clients.device.listDevices({}, bearer(person.accessToken));
    expect(devices).toHaveLength(CAP);
  });

  test('removes no device for a login that needs no place', async () => {
    const person = await registerPerson(app);
    const verifications = await provenLogins(app, person.phone, CAP);
    for (const id of verifications.slice(0, CAP - 1)) await login(id);
    const { devices } = await app.clients.device.listDevices({}, bearer(person.accessToken));
    const other = devices.find(({ id }) => id !== person.deviceId)?.id ?? '';
    await app.sql(
      `UPDATE sessions SET last_seen_at = now() - interval '8 days' WHERE device_id = $1`,
      [other],
    );
    await app.sql(`UPDATE devices SET last_active = now() - interval '8 days' WHERE id = $1`, [
      other,
    ]);
    await app.clients.auth.login({
      verificationId: verifications[CAP - 1] ?? '',
      deviceId: person.deviceId,
      deviceType: 'ios',
      replaceDeviceId: other,
    });
    const after = await app.clients.device.listDevices({}, bearer(person.accessToken));
    expect(after.devices.map(({ id }) => id)).toContain(other);
  });

  test('leaves the verification of a refused login unspent, and takes it with a device to replace', async () => {
    const person = await registerPerson(app);
    const verifications = await provenLogins(app, person.phone, CAP);
    for (const id of verifications.slice(0, CAP - 1)) await login(id);
    const waiting = verifications[CAP - 1] ?? '';
    expect((await refusalOf(login(waiting))).reason).toBe('DEVICE_LIMIT');
    const recent = await refusalOf(login(waiting, person.deviceId));
    expect(recent.reason).toBe('DEVICE_NOT_REPLACEABLE');
    expect((await refusalOf(login(waiting, randomUUID()))).reason).toBe('DEVICE_NOT_FOUND');
    await app.sql(
      `UPDATE sessions SET last_seen_at = now() - interval '8 days' WHERE device_id = $1`,
      [person.deviceId],
    );
    await app.sql(`UPDATE devices SET last_active = now() - interval '8 days' WHERE id = $1`, [
      person.deviceId,
    ]);
    await login(waiting, person.deviceId);
    const { reason } = await refusalOf(
      app.clients.device.listDevices({}, bearer(person.accessToken)),
    );
    expect(reason).toBe('SESSION_REVOKED');
  });
});

function login(verificationId: string, replaceDeviceId?: string) {
  const device = { verificationId, deviceId: randomUUID(), deviceType: 'web' };
  return app.clients.auth.login({ ...device, replaceDeviceId, signalKeyBundle: legacyBundle() });
}
