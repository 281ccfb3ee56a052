import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DeployedApp, fieldOf, reasonOf, textOf } from './deployed-app.ts';
import { expectError, expectGolden } from './golden.ts';
import { startRest } from './rest.ts';
import type { Rest } from './rest.ts';

let rest: Rest;

beforeAll(async () => {
  rest = await startRest({ KEY_SIGNATURE_POLICY: 'legacy' });
});

afterAll(async () => {
  await rest.stop();
});

describe('the deployed app, unmodified', () => {
  it('registers, lists its devices, refreshes, gets a ws-token and logs out', async () => {
    const phone = new DeployedApp(rest);
    const requested = await phone.request('register');
    expectGolden('verify-request', requested);
    const verificationId = textOf(requested, 'verificationId');
    expectGolden('verify-register-confirm', await phone.confirm('register', verificationId));
    const registered = await phone.enter('register', verificationId);
    expectGolden('register', registered);
    expect(fieldOf(registered.json, 'deviceId')).toBe(phone.deviceId);

    const token = textOf(registered, 'accessToken');
    const devices = await phone.call('GET', '/device', { token });
    expectGolden('device-array', devices);
    expect(devices.json).toEqual([expect.objectContaining({ id: phone.deviceId })]);

    const refreshed = await phone.refresh(textOf(registered, 'refreshToken'));
    expectGolden('tokens-refresh', refreshed);
    const newest = textOf(refreshed, 'accessToken');
    expectGolden('ws-token', await phone.call('POST', '/tokens/ws-token', { token: newest }));

    const named = { deviceId: phone.deviceId, userId: textOf(registered, 'userId') };
    expectGolden('logout', await phone.call('POST', '/logout', { token: newest, json: named }));
    const refused = await phone.call('GET', '/device', { token: newest });
    expectError('SESSION_REVOKED', refused);
    expect(reasonOf(await phone.refresh(textOf(refreshed, 'refreshToken')))).toBe(
      'SESSION_REVOKED',
    );
  });

  it('signs in from a second device, and each device sees both', async () => {
    const first = new DeployedApp(rest);
    const { accessToken } = await first.signIn('register');
    const second = new DeployedApp(rest, { phone: first.phone });
    const requested = await second.request('login');
    const verificationId = textOf(requested, 'verificationId');
    expectGolden('verify-login-confirm', await second.confirm('login', verificationId));
    const entered = await second.enter('login', verificationId);
    expectGolden('login', entered);

    const listed = await first.call('GET', '/device', { token: accessToken });
    const current = await second.call('GET', '/device', { token: textOf(entered, 'accessToken') });
    expect(idsOf(listed.json)).toEqual([first.deviceId, second.deviceId].sort());
    expect(idsOf(current.json)).toEqual([first.deviceId, second.deviceId].sort());
    expect(current.json).toContainEqual(
      expect.objectContaining({ id: second.deviceId, is_current: true }),
    );
  });

  it('may end its session only: other ids in a logout are ignored', async () => {
    const victim = new DeployedApp(rest);
    const kept = await victim.signIn('register');
    const other = new DeployedApp(rest);
    const { accessToken } = await other.signIn('register');
    const json = { deviceId: kept.deviceId, userId: kept.userId };
    const answer = await other.call('POST', '/logout', { token: accessToken, json });
    expect(answer.status).toBe(200);
    expect((await victim.call('GET', '/device', { token: kept.accessToken })).status).toBe(200);
    expect((await other.call('GET', '/device', { token: accessToken })).status).toBe(401);
  });

  it('has its claims read with atob', async () => {
    const { accessToken } = await new DeployedApp(rest).signIn('register');
    const claims: unknown = JSON.parse(atob(accessToken.split('.')[1] ?? ''));
    expect(claims).toMatchObject({ aud: 'whispr', iss: 'https://auth.test' });
  });
});

function idsOf(json: unknown): unknown[] {
  return Array.isArray(json) ? json.map((device) => fieldOf(device, 'id')).sort() : [];
}
