import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DeployedApp, fieldOf, reasonOf, textOf } from './deployed-app.ts';
import { expectGolden } from './golden.ts';
import { deployedBundle, deployedDevice, startRest } from './rest.ts';
import type { Rest } from './rest.ts';

/** What the deployed app calls, but for its keys, which come later. */
const ROUTES = [
  ...['register', 'login'].flatMap((purpose) => [
    `POST /verify/${purpose}/request`,
    `POST /verify/${purpose}/confirm`,
    `POST /${purpose}`,
  ]),
  ...['POST /tokens/refresh', 'POST /tokens/ws-token', 'POST /logout'],
  ...['GET /device', 'DELETE /device/6f2b1c1e-8f0a-4b68-9d9e-1f7d5a3b2c10'],
  ...['POST /2fa/setup', 'POST /2fa/enable', 'POST /2fa/disable', 'POST /2fa/verify'],
  ...['POST /2fa/backup-codes', 'POST /2fa/backup-codes/regenerate', 'POST /2fa/backup-codes/use'],
  ...['GET /2fa/status', 'GET /2fa/backup-codes/remaining'],
  ...['GET /health/ready', 'GET /health/live'],
];

let rest: Rest;

beforeAll(async () => {
  rest = await startRest({ KEY_SIGNATURE_POLICY: 'legacy', VERIFICATION_COOLDOWN_SECONDS: '0' });
});

afterAll(async () => {
  await rest.stop();
});

describe('requests as deployed clients send them', () => {
  it('takes a POST without a body that says its content is JSON', async () => {
    const { accessToken: token } = await new DeployedApp(rest).signIn('register');
    for (const path of ['/tokens/ws-token', '/logout']) {
      expect((await new DeployedApp(rest).call('POST', path, { token })).status).toBe(200);
    }
  });

  it.each(ROUTES)('answers %s with JSON of its own, whatever is missing', async (route) => {
    const [method = '', path = ''] = route.split(' ');
    const phone = new DeployedApp(rest);
    const { accessToken: token } = await phone.signIn('register');
    for (const options of [{ token }, {}]) {
      const answer = await phone.call(method, path, options);
      expect(answer.headers['content-type']).toBe('application/json');
      expect(answer.status).toBeLessThan(500);
      expect(reasonOf(answer)).not.toBe('METHOD_UNKNOWN');
    }
  });

  it('ignores fields that it does not know, nested ones too', async () => {
    const phone = new DeployedApp(rest);
    const verificationId = await phone.prove('register');
    const signalKeyBundle = { ...deployedBundle(), fingerprint: { of: ['the', 'app'] } };
    const json = { verificationId, ...deployedDevice(phone.deviceId), signalKeyBundle, beta: 1 };
    expect((await phone.call('POST', '/register', { json })).status).toBe(200);
  });

  it('takes field names in both spellings', async () => {
    const phone = new DeployedApp(rest);
    const json = { phone_number: phone.phone };
    const answer = await phone.call('POST', '/verify/register/request', { json });
    expect(textOf(answer, 'verificationId')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('takes a trailing slash and a query that nobody knows', async () => {
    const { accessToken: token } = await new DeployedApp(rest).signIn('register');
    const phone = new DeployedApp(rest);
    expect((await phone.call('GET', '/device/?_=1732400000', { token })).status).toBe(200);
  });

  it('confirms under the first id after a resend', async () => {
    const phone = new DeployedApp(rest);
    const first = textOf(await phone.request('register'), 'verificationId');
    await phone.request('register');
    expect(fieldOf((await phone.confirm('register', first)).json, 'verified')).toBe(true);
    expect((await phone.enter('register', first)).status).toBe(200);
  });

  it('gives two tabs with one refresh token a working session each', async () => {
    const phone = new DeployedApp(rest);
    const { refreshToken } = await phone.signIn('register');
    const answers = await Promise.all([phone.refresh(refreshToken), phone.refresh(refreshToken)]);
    for (const answer of answers) {
      const token = textOf(answer, 'accessToken');
      expect((await phone.call('GET', '/device', { token })).status).toBe(200);
      expect((await phone.refresh(textOf(answer, 'refreshToken'))).status).toBe(200);
    }
  });

  it('pages the typed list of devices and the list of sessions', async () => {
    const phone = new DeployedApp(rest);
    await phone.signIn('register');
    const { accessToken: token } = await new DeployedApp(rest, { phone: phone.phone }).signIn(
      'login',
    );
    const devices = await phone.call('GET', '/devices?pageSize=1', { token });
    expectGolden('devices', devices);
    const next = encodeURIComponent(textOf(devices, 'nextPageToken'));
    const last = await phone.call('GET', `/devices?pageSize=1&pageToken=${next}`, { token });
    expect(fieldOf(last.json, 'nextPageToken')).toBe('');
    expectGolden('sessions', await phone.call('GET', '/sessions', { token }));
    expectGolden('login-history', await phone.call('GET', '/login-history?page_size=1', { token }));
  });

  it('filters the login history by device although a path elsewhere has that variable', async () => {
    const phone = new DeployedApp(rest);
    const { accessToken: token } = await phone.signIn('register');
    const path = '/login-history?deviceId=not-a-uuid';
    expect(reasonOf(await phone.call('GET', path, { token }))).toBe('VALIDATION_FAILED');
  });

  it('ends another session of the account by its id', async () => {
    const phone = new DeployedApp(rest);
    const first = await phone.signIn('register');
    const second = new DeployedApp(rest, { phone: phone.phone });
    const { accessToken } = await second.signIn('login');
    const listed: unknown = fieldOf(
      (await phone.call('GET', '/sessions', { token: first.accessToken })).json,
      'sessions',
    );
    const sessions: unknown[] = Array.isArray(listed) ? listed : [];
    const other = sessions.find((session) => fieldOf(session, 'isCurrent') === false);
    const path = `/sessions/${String(fieldOf(other, 'id'))}`;
    const answer = await phone.call('DELETE', path, { token: first.accessToken });
    expect([answer.status, answer.json]).toEqual([200, {}]);
    expect((await second.call('GET', '/device', { token: accessToken })).status).toBe(401);
  });
});
