import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';
import { TokenUse } from '../../gen/whispr/auth/v1/session_pb.ts';
import { SERVICE_TEST_TOKEN, startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { approvedDevice, complete, ephemeralKey } from '../support/link.ts';
import { scan, signed, startDevice } from '../support/link.ts';
import { registerPerson } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { byEs256, ownKey } from './forge.ts';

let app: TestApp;
let victim: SignedIn;
let attacker: SignedIn;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());
beforeEach(async () => {
  [victim, attacker] = [await registerPerson(app), await registerPerson(app)];
});

describe('somebody without the ephemeral key', () => {
  test('collects nothing, whatever they sign, and spoils nothing', async () => {
    const device = await approvedDevice(app, victim);
    const { challengeId } = device.started;
    const other = await startDevice(app);
    const signatures = [
      signed(ephemeralKey(), `whispr-qr-v1${challengeId}`),
      signed(device.key, challengeId),
      signed(device.key, `whispr-qr-reissue-v1${challengeId}5`),
      signed(device.key, `whispr-qr-v1${other.started.challengeId}`),
      Buffer.alloc(64),
      randomBytes(64),
    ];
    for (const signature of signatures) {
      const call = app.clients.device.completeLink({ challengeId, signature });
      expect((await refusalOf(call)).reason).toBe('LINK_PROOF_INVALID');
    }
    await complete(device);
  });

  test('collects nothing with an ephemeral key of a weaker kind', async () => {
    for (const key of [Buffer.alloc(65), Buffer.alloc(65, 4), Buffer.alloc(65, 0xff)]) {
      const call = startDevice(app, { key: { ...ephemeralKey(), publicKey: key } });
      expect((await refusalOf(call)).reason).toBe('VALIDATION_FAILED');
    }
  });
});

describe('a forged QR text', () => {
  test('is no QR code of this service: changed, cut, of an own key or of another deployment', async () => {
    const device = await startDevice(app);
    const { qrText } = device.started;
    const stranger = await startApp();
    const foreign = await startDevice(stranger);
    await stranger.stop();
    const texts = [
      changed(qrText, 1, randomBytes(16).toString('base64url')),
      changed(qrText, 2, randomBytes(32).toString('base64url')),
      changed(qrText, 3, '4'),
      changed(qrText, 4, 'unknown'),
      changed(qrText, 5, randomBytes(64).toString('base64url')),
      resigned(qrText),
      qrText.slice(0, -1),
      `${qrText} `,
      foreign.started.qrText,
      victim.accessToken,
      'https://example.org/',
      device.started.challengeId,
    ];
    for (const text of texts) {
      const call = scan(app, victim, { started: { ...device.started, qrText: text } });
      expect((await refusalOf(call)).reason).toBe('LINK_NOT_FOUND');
    }
    await scan(app, victim, device);
  });

  test('of a start with the victim’s challenge id does not exist: ids are the server’s', async () => {
    const [one, two] = [await startDevice(app), await startDevice(app)];
    const mixed = changed(one.started.qrText, 2, two.started.qrText.split('.')[2] ?? '');
    const call = scan(app, victim, { started: { ...one.started, qrText: mixed } });
    expect((await refusalOf(call)).reason).toBe('LINK_NOT_FOUND');
  });
});

describe('what a QR login shows in public', () => {
  test('is no bearer token, no ws-token and no refresh token', async () => {
    const device = await approvedDevice(app, victim);
    const asService = { headers: { 'x-test-caller': SERVICE_TEST_TOKEN } };
    for (const token of [device.started.challengeId, device.started.qrText]) {
      const list = app.clients.device.listDevices({}, bearer(token));
      expect((await refusalOf(list)).reason).toBe('TOKEN_INVALID');
      const refresh = app.clients.auth.refreshTokens({ refreshToken: token });
      expect((await refusalOf(refresh)).reason).toBe('TOKEN_INVALID');
      for (const use of [TokenUse.ACCESS, TokenUse.WS]) {
        const checked = await app.clients.auth.validateToken({ token, use }, asService);
        expect(checked.active).toBe(false);
      }
    }
  });

  // Everybody may ask for a QR code: a sibling that checks nothing but signatures must not be fooled.
  test('is no JWT for a sibling that verifies with the published keys alone', async () => {
    const { qrText } = (await startDevice(app)).started;
    const keys = createRemoteJWKSet(new URL('http://auth.test/jwks'), {
      [customFetch]: async () =>
        new Response(Buffer.from((await app.clients.auth.getJwks({})).data).toString()),
    });
    await jwtVerify(victim.accessToken, keys);
    const parts = qrText.split('.');
    const texts = [
      qrText,
      parts.slice(-3).join('.'),
      `${parts.slice(0, -1).join('')}.${parts.at(-1)}`,
    ];
    for (const text of texts) await expect(jwtVerify(text, keys)).rejects.toThrow();
  });

  test('names neither account nor number nor what collects the tokens', async () => {
    const device = await startDevice(app);
    await scan(app, victim, device);
    const { challengeId, qrText, confirmationNumber } = device.started;
    const seen = await app.clients.device.getLink({ challengeId });
    const shown = `${qrText}${JSON.stringify(seen, printable)}`;
    for (const told of [victim.userId, victim.deviceId, victim.phone.slice(1), device.deviceId]) {
      expect(shown).not.toContain(told);
    }
    expect(qrText.split('.')).not.toContain(confirmationNumber);
    const lines = app.logs.join('');
    for (const secret of [qrText, challengeId]) expect(lines).not.toContain(secret);
  });
});

test('with a device id of somebody else the tokens are still the approver’s own', async () => {
  const device = await approvedDevice(app, victim, { deviceId: attacker.deviceId });
  const tokens = await complete(device);
  expect(tokens.userId).toBe(victim.userId);
  await app.clients.device.listDevices({}, bearer(attacker.accessToken));
  const { devices } = await app.clients.device.listDevices({}, bearer(tokens.accessToken));
  expect(devices.map(({ id }) => id).sort()).toEqual([victim.deviceId, attacker.deviceId].sort());
});

/** The text with one of its parts replaced. */
function changed(qrText: string, part: number, value: string): string {
  return qrText
    .split('.')
    .map((old, index) => (index === part ? value : old))
    .join('.');
}

/** The same code, signed by a key of the attacker's own. */
function resigned(qrText: string): string {
  const input = qrText.slice(0, qrText.lastIndexOf('.'));
  return `${input}.${byEs256(ownKey().privateKey)(input)}`;
}

function printable(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
