import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { refusalOf } from '../support/client.ts';
import { approvedDevice, complete, scan, signed, startDevice } from '../support/link.ts';
import { legacyBundle, registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';

let app: TestApp;
let owner: SignedIn;

beforeAll(async () => {
  app = await startApp({ SESSION_DEVICE_CAP: '2', VERIFICATION_COOLDOWN_SECONDS: '0' });
});
afterAll(() => app.stop());
beforeEach(async () => {
  owner = await registerPerson(app);
});

describe('the new device', () => {
  test('collects nothing before the approval', async () => {
    const device = await startDevice(app);
    expect((await refusalOf(complete(device))).reason).toBe('LINK_STATE_WRONG');
    await scan(app, owner, device);
    expect((await refusalOf(complete(device))).reason).toBe('LINK_STATE_WRONG');
  });

  test('publishes its keys with the tokens; a bundle that breaks its format leaves the approval', async () => {
    const device = await approvedDevice(app, owner);
    const { challengeId } = device.started;
    const signature = signed(device.key, `whispr-qr-v1${challengeId}`);
    const broken = { ...legacyBundle(), identityKey: randomBytes(31) };
    const collect = (signalKeyBundle: ReturnType<typeof legacyBundle>) =>
      device.clients.device.completeLink({ challengeId, signature, signalKeyBundle });
    expect((await refusalOf(collect(broken))).reason).toMatch(/^(KEY_FORMAT|VALIDATION)/);
    await collect(legacyBundle());
    const [keys] = await app.sql<{ count: number }>(
      'SELECT count(*)::int AS count FROM prekeys WHERE user_id = $1 AND device_id = $2',
      [owner.userId, device.deviceId],
    );
    expect(keys?.count).toBe(100);
  });

  test('beyond the cap gets the list, keeps the approval, and may replace an unused device', async () => {
    const second = await signIn(app, owner.phone);
    const device = await approvedDevice(app, owner);
    const refusal = await refusalOf(complete(device));
    expect(refusal.reason).toBe('DEVICE_LIMIT');
    const reasons = [];
    for (const replaceDeviceId of [second.deviceId, randomUUID()]) {
      reasons.push((await refusalOf(complete(device, { replaceDeviceId }))).reason);
    }
    expect(reasons).toEqual(['DEVICE_NOT_REPLACEABLE', 'DEVICE_NOT_FOUND']);
    const age = `now() - interval '8 days'`;
    await app.sql(`UPDATE sessions SET last_seen_at = ${age} WHERE id = $1`, [second.sessionId]);
    await app.sql(`UPDATE devices SET last_active = ${age} WHERE id = $1`, [second.deviceId]);
    const tokens = await complete(device, { replaceDeviceId: second.deviceId });
    expect(tokens.deviceId).toBe(device.deviceId);
    const gone = app.clients.auth.refreshTokens({ refreshToken: second.refreshToken });
    expect((await refusalOf(gone)).reason).toBe('SESSION_REVOKED');
  });

  test('is turned away from an account that was locked down since', async () => {
    const device = await approvedDevice(app, owner);
    await app.sql(
      `UPDATE users_auth SET locked_down_at = now(), locked_down_by = 'owner' WHERE id = $1`,
      [owner.userId],
    );
    expect((await refusalOf(complete(device))).reason).toBe('ACCOUNT_LOCKED_DOWN');
    const [history] = await app.sql(
      `SELECT status, reason FROM login_history WHERE user_id = $1 ORDER BY id DESC LIMIT 1`,
      [owner.userId],
    );
    expect(history).toEqual({ status: 'failure', reason: 'ACCOUNT_LOCKED_DOWN' });
  });

  test('of an account that was deleted since is told that its approver is gone', async () => {
    const device = await approvedDevice(app, owner);
    await app.sql('DELETE FROM users_auth WHERE id = $1', [owner.userId]);
    expect((await refusalOf(complete(device))).reason).toBe('SESSION_REVOKED');
  });
});
