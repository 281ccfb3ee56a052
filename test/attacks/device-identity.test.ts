import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, countReasons, refusalOf, together } from '../support/client.ts';
import { legacyBundle, prove, provenLogins, registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';

const CAP = 10;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

// Clients that never set their device id all share the library's default; where ids were global, one
// person's logout or removal hit everybody.
describe.each([
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '12345678-1234-1234-1234-123456789abc',
])('a device id that many clients share, %s,', (shared) => {
  test('lets nobody see, end or overwrite what another account has under it', async () => {
    const [one, other] = [await registerPerson(app, shared), await registerPerson(app, shared)];
    const before = await keysOf(other);
    await app.clients.device.revokeDevice({ deviceId: shared }, bearer(one.accessToken));
    const { devices } = await app.clients.device.listDevices({}, bearer(other.accessToken));
    expect(devices.map(({ id }) => id)).toEqual([shared]);
    await app.clients.auth.refreshTokens({ refreshToken: other.refreshToken });
    expect(await keysOf(other)).toEqual(before);
  });

  test('separates two phones of one account by their identity keys', async () => {
    const owner = await registerPerson(app, shared);
    const second = await signIn(app, owner.phone, shared);
    expect(second.deviceId).not.toBe(shared);
    await app.clients.auth.logout({}, bearer(second.accessToken));
    await app.clients.device.listDevices({}, bearer(owner.accessToken));
  });
});

// Services that keep to a cap by signing the oldest device out let a thief push the owner out.
describe('a login beyond the cap of devices', () => {
  test('evicts nobody, in parallel either, and is told what it may choose from', async () => {
    const owner = await registerPerson(app);
    const proofs = await provenLogins(app, owner.phone, CAP + 32);
    for (const id of proofs.slice(0, CAP - 1)) await login(id);
    const before = await deviceIdsOf(owner);
    const calls = await together(32, (index) => login(proofs[CAP + index] ?? ''));
    expect(countReasons(calls)).toEqual({ DEVICE_LIMIT: 32 });
    expect(await deviceIdsOf(owner)).toEqual(before);
    const [ended] = await app.sql<{ count: number }>(
      'SELECT count(*)::int AS count FROM revocations WHERE user_id = $1',
      [owner.userId],
    );
    expect(ended?.count).toBe(0);
  });

  test('cannot choose a device in use, one of somebody else, or one twice', async () => {
    const owner = await registerPerson(app);
    const stranger = await registerPerson(app);
    const proofs = await provenLogins(app, owner.phone, CAP + 64);
    for (const id of proofs.slice(0, CAP - 1)) await login(id);
    const waiting = proofs[CAP - 1] ?? '';
    const reasons = [];
    for (const id of [owner.deviceId, stranger.deviceId, randomUUID()]) {
      reasons.push((await refusalOf(login(waiting, id))).reason);
    }
    expect(reasons).toEqual(['DEVICE_NOT_REPLACEABLE', 'DEVICE_NOT_FOUND', 'DEVICE_NOT_FOUND']);
    await leaveUnused(owner.deviceId);
    const calls = await together(64, (index) => login(proofs[CAP + index] ?? '', owner.deviceId));
    expect(calls.filter(({ status }) => status === 'ok')).toHaveLength(1);
    await app.clients.device.listDevices({}, bearer(stranger.accessToken));
  });
});

type Bundle = ReturnType<typeof legacyBundle> | undefined;

const KEYS: readonly (readonly [string, () => Bundle])[] = [
  ['without keys', () => undefined],
  ['with keys of their own', () => legacyBundle()],
];

// Ids of devices are readable by whoever writes to the account; seniority, keys and alerts must not hang on
// them. The thief here holds a proof of the number (a SIM swap).
describe('a thief who names the victim’s device id at login', () => {
  test.each(KEYS)('%s gains no seniority by it', async (_name, bundle) => {
    const { victim, thief } = await intrude(bundle());
    const { auth, device } = app.clients;
    const asThief = bearer(thief.accessToken);
    const calls = [
      () => auth.revokeSession({ sessionId: victim.sessionId }, asThief),
      () => auth.revokeOtherSessions({}, asThief),
      () => auth.revokeAllSessions({}, asThief),
      () => device.revokeDevice({ deviceId: victim.deviceId }, asThief),
      () => device.revokeOtherDevices({}, asThief),
      () => auth.setUpTwoFactor({}, asThief),
      () => auth.lockDownAccount({}, asThief),
      () => auth.deleteAccount({}, asThief),
    ];
    for (const call of calls) expect((await refusalOf(call())).reason).toBe('STEP_UP_REQUIRED');
    await device.listDevices({}, bearer(victim.accessToken));
  });

  test.each(KEYS)(
    '%s replaces and erases no key of the victim, coming or going',
    async (_name, bundle) => {
      const { victim, thief, keys } = await intrude(bundle());
      expect(await keysOf(victim)).toEqual(keys);
      await app.clients.auth.logout({}, bearer(thief.accessToken));
      expect(await keysOf(victim)).toEqual(keys);
      await app.clients.device.listDevices({}, bearer(victim.accessToken));
    },
  );

  test.each(KEYS)(
    '%s does not stay unseen: the owner is told of the sign-in',
    async (_name, bundle) => {
      const { victim } = await intrude(bundle());
      const told = await app.sql<{ type: string }>(
        `SELECT type FROM outbox WHERE account_id = $1 AND type LIKE '%security%'`,
        [victim.userId],
      );
      expect(told).toHaveLength(1);
    },
  );
});

async function intrude(signalKeyBundle: Bundle) {
  const victim = await registerPerson(app);
  const keys = await keysOf(victim);
  const { verificationId } = await prove(app, 'login', { phone: victim.phone });
  const thief = await app.clients.auth.login({
    verificationId,
    deviceId: victim.deviceId.toUpperCase(),
    deviceType: 'web',
    signalKeyBundle,
  });
  return { victim, thief, keys };
}

function login(verificationId: string, replaceDeviceId?: string) {
  const device = { verificationId, deviceId: randomUUID(), deviceType: 'web' };
  return app.clients.auth.login({ ...device, replaceDeviceId });
}

async function deviceIdsOf(person: SignedIn): Promise<string[]> {
  const { devices } = await app.clients.device.listDevices({}, bearer(person.accessToken));
  return devices.map(({ id }) => id).sort();
}

async function leaveUnused(deviceId: string): Promise<void> {
  const age = `now() - interval '8 days'`;
  await app.sql(`UPDATE sessions SET last_seen_at = ${age} WHERE device_id = $1`, [deviceId]);
  await app.sql(`UPDATE devices SET last_active = ${age} WHERE id = $1`, [deviceId]);
}

/** Identity key, signed key and one-time keys of a person's device. */
function keysOf({ userId, deviceId }: SignedIn): Promise<Record<string, unknown>[]> {
  return app.sql(
    `SELECT to_jsonb(k) AS key FROM identity_keys k WHERE user_id = $1 AND device_id = $2
     UNION ALL SELECT to_jsonb(k) FROM signed_prekeys k WHERE user_id = $1 AND device_id = $2
     UNION ALL SELECT to_jsonb(k) FROM prekeys k WHERE user_id = $1 AND device_id = $2
      ORDER BY 1`,
    [userId, deviceId],
  );
}
