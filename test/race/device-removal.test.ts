import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, countReasons, refusalOf, settle, together } from '../support/client.ts';
import type { Clients } from '../support/client.ts';
import { countAudited, countEvents, countKeys, deviceIdsOf } from '../support/devices.ts';
import { legacyBundle, provenLogins, registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';

const CALLERS = 64;
const ROUNDS = 12;
let app: TestApp;
let replica: TestApp;

beforeAll(async () => {
  app = await startApp();
  replica = await app.replica();
});
afterAll(async () => {
  await replica.stop();
  await app.stop();
});

describe('64 callers at once', () => {
  test('remove one device once, with each of its effects once', async () => {
    const owner = await registerPerson(app);
    const { deviceId, sessionId } = await signIn(app, owner.phone);
    const security = await countEvents(app, owner, 'security');
    const calls = await together(CALLERS, (index) =>
      replicaFor(index).device.revokeDevice({ deviceId }, bearer(owner.accessToken)),
    );
    expect(countReasons(calls)).toEqual({ OK: 1, DEVICE_NOT_FOUND: CALLERS - 1 });
    expect(await countEvents(app, owner, 'device.revoked')).toBe(1);
    expect(await countEvents(app, owner, 'security')).toBe(security + 1);
    expect(await countAudited(app, deviceId, 'device.removed')).toBe(1);
    expect(await revocationsOf(sessionId)).toBe(1);
  });

  test('remove their own device once, and nobody’s is left half removed', async () => {
    const owner = await registerPerson(app);
    const { deviceId, accessToken } = await signIn(app, owner.phone);
    const calls = await together(CALLERS, (index) =>
      replicaFor(index).device.revokeDevice({ deviceId }, bearer(accessToken)),
    );
    expect(countReasons(calls)).toEqual({ OK: 1, SESSION_REVOKED: CALLERS - 1 });
    expect(await countEvents(app, owner, 'device.revoked')).toBe(1);
    expect(await deviceIdsOf(app, owner)).toEqual([owner.deviceId]);
  });

  test('remove all other devices once', async () => {
    const owner = await registerPerson(app);
    for (let count = 0; count < 3; count += 1) await signIn(app, owner.phone);
    const calls = await together(CALLERS, (index) =>
      replicaFor(index).device.revokeOtherDevices({}, bearer(owner.accessToken)),
    );
    const counts = calls.map((call) => (call.status === 'ok' ? call.value.revokedCount : -1));
    expect(counts.toSorted((a, b) => b - a)).toEqual([
      3,
      ...Array.from({ length: CALLERS - 1 }, () => 0),
    ]);
    expect(await countEvents(app, owner, 'device.revoked')).toBe(3);
  });

  test('that remove each other leave one device', async () => {
    const owner = await registerPerson(app);
    const second = await signIn(app, owner.phone);
    await app.sql('UPDATE sessions SET stepped_up_at = now() WHERE id = $1', [second.sessionId]);
    const rivals = [owner, second];
    const calls = await together(CALLERS, (index) => {
      const me = rivals[index % 2] ?? owner;
      return replicaFor(index >> 1).device.revokeOtherDevices({}, bearer(me.accessToken));
    });
    expect(countReasons(calls)).toEqual({ OK: CALLERS / 2, SESSION_REVOKED: CALLERS / 2 });
    const living = await app.sql(
      `SELECT DISTINCT device_id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL`,
      [owner.userId],
    );
    expect(living).toHaveLength(1);
  });
});

test('no token of a removed device works on any replica a second later, refreshed meanwhile or not', async () => {
  const owner = await registerPerson(app);
  const device = await signIn(app, owner.phone);
  const removal = app.clients.device.revokeDevice(
    { deviceId: device.deviceId },
    bearer(owner.accessToken),
  );
  const refreshes = await together(CALLERS, (index) =>
    replicaFor(index).auth.refreshTokens({ refreshToken: device.refreshToken }),
  );
  await removal;
  await sleep(1_000);
  const pairs = refreshes.flatMap((call) => (call.status === 'ok' ? [call.value] : []));
  for (const { accessToken, refreshToken } of [device, ...pairs.slice(0, 8)]) {
    for (const clients of [app.clients, replica.clients]) {
      const listing = clients.device.listDevices({}, bearer(accessToken));
      expect((await refusalOf(listing)).reason).toBe('SESSION_REVOKED');
      const refreshing = clients.auth.refreshTokens({ refreshToken });
      expect((await refusalOf(refreshing)).reason).toMatch(/^(SESSION_REVOKED|RATE_LIMITED)$/);
    }
  }
});

describe('signing in on a device', () => {
  test('that is being removed comes before or after: no session lives on a removed device', async () => {
    const owner = await registerPerson(app);
    const proofs = await provenLogins(app, owner.phone, ROUNDS);
    const { deviceId } = await signIn(app, owner.phone);
    for (const verificationId of proofs) {
      await Promise.all([
        settle(app.clients.device.revokeDevice({ deviceId }, bearer(owner.accessToken))),
        replica.clients.auth.login({ verificationId, deviceId, deviceType: 'web' }),
      ]);
      const [odd] = await app.sql<{ count: number }>(
        `SELECT count(*)::int AS count FROM devices d JOIN sessions s
             ON s.user_id = d.user_id AND s.device_id = d.id AND s.revoked_at IS NULL
          WHERE d.user_id = $1 AND NOT d.is_active`,
        [owner.userId],
      );
      expect(odd?.count).toBe(0);
    }
  });

  test('that is logging out keeps or renews its keys, and is never left without', async () => {
    const owner = await registerPerson(app);
    const proofs = await provenLogins(app, owner.phone, ROUNDS);
    const bundle = legacyBundle(randomBytes(32));
    let session = await loginWith(app.clients, proofs.pop() ?? '', bundle);
    for (const [round, verificationId] of proofs.entries()) {
      const { accessToken } = session;
      const [next] = await Promise.all([
        loginWith(replica.clients, verificationId, bundle),
        // Each round meets the sign-in a little further on.
        sleep(round * 2).then(() => app.clients.auth.logout({}, bearer(accessToken))),
      ]);
      expect(next.deviceId).toBe(DEVICE);
      expect(await countKeys(app, DEVICE)).toBe(102);
      session = next;
    }
  });
});

const DEVICE = '5d3f6a52-3b1e-4c58-9d0a-2f6d1f0e8a11';

function loginWith(
  clients: Clients,
  verificationId: string,
  signalKeyBundle: ReturnType<typeof legacyBundle>,
) {
  const device = { verificationId, deviceId: DEVICE, deviceType: 'web' };
  return clients.auth.login({ ...device, signalKeyBundle });
}

/** Callers are spread over both replicas. */
function replicaFor(index: number): Clients {
  return index % 2 === 0 ? app.clients : replica.clients;
}

async function revocationsOf(sessionId: SignedIn['sessionId']): Promise<number> {
  const rows = await app.sql('SELECT id FROM revocations WHERE session_id = $1', [sessionId]);
  return rows.length;
}
