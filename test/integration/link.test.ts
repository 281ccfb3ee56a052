import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import jsQR from 'jsqr';
import { PNG } from 'pngjs';
import { LinkState } from '../../gen/whispr/device/v1/link_pb.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { approve, approvedDevice, auditOf, complete, ephemeralKey } from '../support/link.ts';
import { reissue, scan, startDevice, toldOf, wrongNumber } from '../support/link.ts';
import { newAddress, registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';

const clock = { aheadMs: 0, nowMs: () => Date.now() + clock.aheadMs };
let app: TestApp;
let owner: SignedIn;

beforeAll(async () => {
  const settings = { SESSION_DEVICE_CAP: '2', VERIFICATION_COOLDOWN_SECONDS: '0' };
  app = await startApp(settings, { clock });
});
afterAll(() => app.stop());
beforeEach(async () => {
  clock.aheadMs = 0;
  owner = await registerPerson(app);
});

describe('who may call', () => {
  test.each(['scanLink', 'approveLink', 'declineLink'] as const)(
    '%s is for users only',
    async (method) => {
      const device = await startDevice(app);
      const { challengeId, confirmationNumber, qrText } = device.started;
      const request = { challengeId, confirmationNumber, qrText };
      const { reason } = await refusalOf(app.clients.device[method](request));
      expect(reason).toBe('TOKEN_MISSING');
    },
  );

  test('an address may start 10 in a minute and is told how many are left', async () => {
    const address = newAddress();
    for (let count = 0; count < 10; count += 1) await startDevice(app, { address });
    const refusal = await refusalOf(startDevice(app, { address }));
    expect(refusal).toMatchObject({
      reason: 'RATE_LIMITED',
      metadata: { limit: 'link_starts_per_address' },
    });
    expect(refusal.retryDelayMs).toBeGreaterThan(0);
  });

  test('an account may scan 5 in an hour', async () => {
    for (let count = 0; count < 5; count += 1) await scan(app, owner, await startDevice(app));
    const { reason, metadata } = await refusalOf(scan(app, owner, await startDevice(app)));
    expect([reason, metadata['limit']]).toEqual(['RATE_LIMITED', 'link_scans_per_account']);
  });
});

describe('a started QR login', () => {
  test.each([
    ['of another form', Buffer.concat([Buffer.from([2]), randomBytes(64)])],
    ['off the curve', Buffer.concat([Buffer.from([4]), randomBytes(64)])],
  ])('needs an ephemeral key that is no point %s', async (_name, publicKey) => {
    const key = { ...ephemeralKey(), publicKey };
    const { reason, fields } = await refusalOf(startDevice(app, { key }));
    expect([reason, fields]).toEqual(['VALIDATION_FAILED', ['ephemeralPublicKey']]);
  });

  test('shows a code that a standard reader reads, of at most 1024 characters', async () => {
    const { started } = await startDevice(app);
    expect(started).toMatchObject({ qrExpiresIn: 30, expiresIn: 300, reissuesLeft: 5 });
    expect(started.challengeId).toMatch(/^[\w-]{22,64}$/);
    expect(started.confirmationNumber).toMatch(/^\d\d$/);
    expect(started.qrText.length).toBeLessThanOrEqual(1024);
    expect(readPng(started.qrCodeUrl)).toBe(started.qrText);
  });

  test('keeps no number in Redis, only its keyed hash', async () => {
    const { started } = await startDevice(app);
    const record = await app.redis.hgetall(`qr_challenge:${started.challengeId}`);
    expect(record['number']).toHaveLength(43);
    expect(Object.values(record)).not.toContain(started.confirmationNumber);
    const ttl = await app.redis.pttl(`qr_challenge:${started.challengeId}`);
    expect(ttl).toBeGreaterThan(290_000);
    expect(ttl).toBeLessThanOrEqual(300_000);
  });

  test('can show five further codes, each of which ends the one before', async () => {
    const device = await startDevice(app);
    clock.aheadMs += 31_000;
    expect((await refusalOf(scan(app, owner, device))).reason).toBe('LINK_EXPIRED');
    for (let left = 5; left > 0; left -= 1) {
      const next = await reissue(device, left);
      expect(next).toMatchObject({ qrExpiresIn: 30, reissuesLeft: left - 1 });
      if (left === 4) {
        const before = { started: { ...device.started } };
        expect((await refusalOf(scan(app, owner, before))).reason).toBe('LINK_EXPIRED');
      }
      device.started.qrText = next.qrText;
    }
    expect((await refusalOf(reissue(device, 0))).reason).toBe('LINK_STATE_WRONG');
    await scan(app, owner, device);
  });

  test('gets a further code only by a fresh signature of its key, and not once it is scanned', async () => {
    const device = await startDevice(app);
    const thief = { ...device, key: ephemeralKey() };
    expect((await refusalOf(reissue(thief, 5))).reason).toBe('LINK_PROOF_INVALID');
    const { qrText } = await reissue(device, 5);
    expect((await refusalOf(reissue(device, 5))).reason).toBe('LINK_PROOF_INVALID');
    device.started.qrText = qrText;
    await scan(app, owner, device);
    expect((await refusalOf(reissue(device, 4))).reason).toBe('LINK_STATE_WRONG');
  });
});

describe('the owner', () => {
  test('sees who asks, and from where', async () => {
    const device = await startDevice(app, { address: '203.0.113.77' });
    expect(await scan(app, owner, device)).toMatchObject({
      challengeId: device.started.challengeId,
      deviceName: 'Firefox on Linux',
      platform: 'web',
      model: 'ThinkPad',
      appVersion: '2.4.1',
      ipPrefix: '203.0.113.0/24',
      isSameNetwork: false,
    });
    const near = await startDevice(app, { address: '198.51.100.200' });
    expect((await scan(app, owner, near)).isSameNetwork).toBe(true);
  });

  test('lets the device in: it inherits the proof, not the seniority', async () => {
    const device = await approvedDevice(app, owner);
    const tokens = await complete(device);
    expect(tokens).toMatchObject({
      userId: owner.userId,
      deviceId: device.deviceId,
      tokenType: 'Bearer',
    });
    const [own, inherited] = await app.sql(
      `SELECT auth_time, amr, acr, absolute_expires_at FROM sessions WHERE user_id = $1
        ORDER BY created_at`,
      [owner.userId],
    );
    expect(inherited).toEqual(own);
    const { sessions } = await app.clients.auth.listSessions({}, bearer(tokens.accessToken));
    expect(sessions.find(({ isCurrent }) => isCurrent)).toMatchObject({ isJunior: true });
    const mine = { deviceId: device.deviceId };
    const got = await app.clients.device.getDevice(mine, bearer(tokens.accessToken));
    expect(got.device).toMatchObject({ name: 'Firefox on Linux', isVerified: false });
    await app.clients.auth.refreshTokens({ refreshToken: tokens.refreshToken });
  });

  test('reads of it: told of the new device, in the login history and in the audit log', async () => {
    const device = await approvedDevice(app, owner);
    const tokens = await complete(device);
    expect(await toldOf(app, owner.userId)).toEqual(['NEW_DEVICE']);
    expect(await auditOf(app, owner.userId)).toEqual([
      ['link.scanned'],
      ['link.approved'],
      ['link.completed'],
    ]);
    const [row] = await app.sql<{ details: unknown; session_id: string }>(
      `SELECT details, session_id FROM audit_events WHERE account_id = $1 AND type = 'link.completed'`,
      [owner.userId],
    );
    expect(row).toEqual({
      details: { approvedBy: owner.sessionId },
      session_id: tokens.sessionId,
    });
    const [history] = await app.sql<{ status: string }>(
      'SELECT status FROM login_history WHERE user_id = $1 AND device_id = $2',
      [owner.userId, device.deviceId],
    );
    expect(history).toEqual({ status: 'success' });
  });

  test('can refuse, from any session of the account; then it is over', async () => {
    const other = await signIn(app, owner.phone);
    const device = await startDevice(app);
    await scan(app, owner, device);
    const { challengeId } = device.started;
    await app.clients.device.declineLink({ challengeId }, bearer(other.accessToken));
    expect((await refusalOf(approve(app, owner, device))).reason).toBe('LINK_NOT_FOUND');
    expect((await refusalOf(complete(device))).reason).toBe('LINK_NOT_FOUND');
    expect(await auditOf(app, owner.userId)).toEqual([['link.scanned'], ['link.declined']]);
  });

  test('decides once, whichever way the decision went', async () => {
    const device = await approvedDevice(app, owner);
    const { challengeId } = device.started;
    const decline = app.clients.device.declineLink({ challengeId }, bearer(owner.accessToken));
    expect((await refusalOf(decline)).reason).toBe('LINK_STATE_WRONG');
    expect((await refusalOf(approve(app, owner, device))).reason).toBe('LINK_STATE_WRONG');
    await complete(device);
  });
});

describe('the poll', () => {
  test('tells every state until the five minutes are over, and never more than states', async () => {
    const device = await startDevice(app);
    const { challengeId } = device.started;
    const look = () => app.clients.device.getLink({ challengeId });
    expect(await look()).toMatchObject({ state: LinkState.WAITING });
    await scan(app, owner, device);
    expect(await look()).toMatchObject({ state: LinkState.SCANNED });
    await approve(app, owner, device);
    const approved = await look();
    expect(approved.state).toBe(LinkState.APPROVED);
    expect(approved.expiresIn).toBeGreaterThan(290);
    expect(Object.keys(approved).sort()).toEqual(['$typeName', 'expiresIn', 'state']);
    await complete(device);
    expect(await look()).toMatchObject({ state: LinkState.COMPLETED, expiresIn: 0 });
    clock.aheadMs += 301_000;
    expect((await refusalOf(look())).reason).toBe('LINK_NOT_FOUND');
  });

  test('tells of a wrong number and of a second scan', async () => {
    const declined = await startDevice(app);
    await scan(app, owner, declined);
    await refusalOf(approve(app, owner, { ...declined, number: wrongNumber(declined) }));
    const killed = await startDevice(app);
    await scan(app, owner, killed);
    await refusalOf(scan(app, owner, killed));
    const states = [];
    for (const { started } of [declined, killed]) {
      states.push((await app.clients.device.getLink({ challengeId: started.challengeId })).state);
    }
    expect(states).toEqual([LinkState.DECLINED, LinkState.KILLED]);
  });

  test('knows nothing of other ids', async () => {
    const challengeId = randomBytes(32).toString('base64url');
    const { reason } = await refusalOf(app.clients.device.getLink({ challengeId }));
    expect(reason).toBe('LINK_NOT_FOUND');
  });
});

/** What a standard reader makes of `data:image/png;base64,…`. */
function readPng(url: string): string | undefined {
  const { data, width, height } = PNG.sync.read(Buffer.from(url.split(',')[1] ?? '', 'base64'));
  return jsQR.default(new Uint8ClampedArray(data), width, height)?.data;
}
