import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { letSleep } from '../support/dormant.ts';
import { DeployedApp, textOf } from './deployed-app.ts';
import { expectError } from './golden.ts';
import { base64, deployedBundle, deployedDevice, startRest } from './rest.ts';
import type { Rest } from './rest.ts';

const clock = { aheadMs: 0, nowMs: () => Date.now() + clock.aheadMs };
let rest: Rest;

beforeAll(async () => {
  const settings = {
    KEY_SIGNATURE_POLICY: 'legacy',
    SESSION_DEVICE_CAP: '2',
    VERIFICATION_COOLDOWN_SECONDS: '0,600',
  };
  rest = await startRest(settings, { overrides: { clock } });
});

afterAll(async () => {
  await rest.stop();
});

describe('errors over REST: requests', () => {
  it('VALIDATION_FAILED names the fields', async () => {
    const json = { phoneNumber: '' };
    const answer = await new DeployedApp(rest).call('POST', '/verify/login/request', { json });
    expectError('VALIDATION_FAILED', answer);
  });

  it('REQUEST_MALFORMED for a path that is no UTF-8', async () => {
    const { accessToken: token } = await new DeployedApp(rest).signIn('register');
    const answer = await new DeployedApp(rest).call('DELETE', '/sessions/%ff', { token });
    expectError('REQUEST_MALFORMED', answer);
  });

  it('METHOD_UNKNOWN for a route that comes later', async () => {
    const { accessToken: token } = await new DeployedApp(rest).signIn('register');
    const answer = await new DeployedApp(rest).call('GET', '/signal/health', { token });
    expectError('METHOD_UNKNOWN', answer);
  });

  it('PAGE_TOKEN_INVALID for a page that was never made', async () => {
    const { accessToken: token } = await new DeployedApp(rest).signIn('register');
    const answer = await new DeployedApp(rest).call('GET', '/devices?pageToken=none', { token });
    expectError('PAGE_TOKEN_INVALID', answer);
  });

  it('ASSET_NOT_FOUND for documentation that does not exist', async () => {
    expectError('ASSET_NOT_FOUND', await rest.send({ method: 'GET', path: '/auth/swagger/x.js' }));
  });
});

describe('errors over REST: phone numbers and codes', () => {
  it('NUMBER_REFUSED for a premium number', async () => {
    const phone = new DeployedApp(rest, { phone: '+33899123456' });
    expectError('NUMBER_REFUSED', await phone.request('register'));
  });

  it('RATE_LIMITED with Retry-After for codes that are asked for too soon', async () => {
    const phone = new DeployedApp(rest);
    await phone.request('register');
    await phone.request('register');
    const answer = await phone.request('register');
    expectError('RATE_LIMITED', answer);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(500);
  });

  it('CODE_WRONG five times, then CODE_ATTEMPTS_EXCEEDED', async () => {
    const phone = new DeployedApp(rest);
    const id = textOf(await phone.request('register'), 'verificationId');
    const wrong = phone.newestCode() === '000000' ? '000001' : '000000';
    expectError('CODE_WRONG', await phone.confirm('register', id, wrong));
    for (let count = 2; count <= 5; count += 1) await phone.confirm('register', id, wrong);
    expectError('CODE_ATTEMPTS_EXCEEDED', await phone.confirm('register', id));
  });

  it('CODE_EXPIRED after five minutes', async () => {
    const phone = new DeployedApp(rest);
    const id = textOf(await phone.request('register'), 'verificationId');
    const answer = await later(301, () => phone.confirm('register', id));
    expectError('CODE_EXPIRED', answer);
  });

  it('VERIFICATION_UNKNOWN, UNCONFIRMED and SPENT', async () => {
    const phone = new DeployedApp(rest);
    expectError('VERIFICATION_UNKNOWN', await phone.enter('register', randomUUID()));
    const id = textOf(await phone.request('register'), 'verificationId');
    expectError('VERIFICATION_UNCONFIRMED', await phone.enter('register', id));
    await phone.confirm('register', id);
    await phone.enter('register', id);
    expectError('VERIFICATION_SPENT', await phone.enter('register', id));
  });

  it('SMS_UNAVAILABLE with Retry-After when no provider takes the message', async () => {
    rest.app.inbox.setBroken(true);
    const answer = await new DeployedApp(rest).request('register');
    rest.app.inbox.setBroken(false);
    expectError('SMS_UNAVAILABLE', answer);
  });
});

describe('errors over REST: accounts and devices', () => {
  it('ACCOUNT_EXISTS for a second registration', async () => {
    const owner = new DeployedApp(rest);
    await owner.signIn('register');
    const again = new DeployedApp(rest, { phone: owner.phone });
    expectError('ACCOUNT_EXISTS', await again.enter('register', await again.prove('register')));
  });

  it('ACCOUNT_DORMANT for a number whose account sleeps', async () => {
    const owner = new DeployedApp(rest);
    const { userId } = await owner.signIn('register');
    await letSleep(rest.app, userId);
    const heir = new DeployedApp(rest, { phone: owner.phone });
    expectError('ACCOUNT_DORMANT', await heir.enter('register', await heir.prove('register')));
  });

  it('ACCOUNT_LOCKED_DOWN after proof', async () => {
    const owner = new DeployedApp(rest);
    const { userId } = await owner.signIn('register');
    await rest.app.sql(
      `UPDATE users_auth SET locked_down_at = now(), locked_down_by = 'owner' WHERE id = $1`,
      [userId],
    );
    expectError('ACCOUNT_LOCKED_DOWN', await owner.enter('login', await owner.prove('login')));
  });

  it('DEVICE_LIMIT with the list of devices', async () => {
    const owner = new DeployedApp(rest);
    await owner.signIn('register');
    const { phone } = owner;
    await new DeployedApp(rest, { phone }).signIn('login');
    const third = new DeployedApp(rest, { phone });
    expectError('DEVICE_LIMIT', await third.enter('login', await third.prove('login')));
  });

  it('DEVICE_NOT_REPLACEABLE for a device that was used this week', async () => {
    const owner = new DeployedApp(rest);
    const { deviceId: replaceDeviceId } = await owner.signIn('register');
    const { phone } = owner;
    await new DeployedApp(rest, { phone }).signIn('login');
    const third = new DeployedApp(rest, { phone });
    const id = await third.prove('login');
    const answer = await third.enter('login', id, { replaceDeviceId });
    expectError('DEVICE_NOT_REPLACEABLE', answer);
  });

  it('KEY_FORMAT_INVALID names the keys', async () => {
    const phone = new DeployedApp(rest);
    const verificationId = await phone.prove('register');
    const signalKeyBundle = { ...deployedBundle(), identityKey: base64(31) };
    const json = { verificationId, ...deployedDevice(), signalKeyBundle };
    expectError('KEY_FORMAT_INVALID', await phone.call('POST', '/register', { json }));
  });
});

describe('errors over REST: tokens and sessions', () => {
  it('TOKEN_MISSING, TOKEN_INVALID and TOKEN_EXPIRED ask for a bearer', async () => {
    const phone = new DeployedApp(rest);
    const { accessToken: token } = await phone.signIn('register');
    expectError('TOKEN_MISSING', await phone.call('GET', '/device'));
    expectError('TOKEN_INVALID', await phone.call('GET', '/device', { token: `${token}x` }));
    const expired = await later(700, () => phone.call('GET', '/device', { token }));
    expectError('TOKEN_EXPIRED', expired);
  });

  it('REFRESH_REUSED for a token two generations old', async () => {
    const phone = new DeployedApp(rest);
    const { refreshToken } = await phone.signIn('register');
    const second = textOf(await phone.refresh(refreshToken), 'refreshToken');
    await phone.refresh(second);
    expectError('REFRESH_REUSED', await phone.refresh(refreshToken));
  });

  it('SESSION_NOT_FOUND for somebody else’s session', async () => {
    const { accessToken: token } = await new DeployedApp(rest).signIn('register');
    const phone = new DeployedApp(rest);
    const answer = await phone.call('DELETE', `/sessions/${randomUUID()}`, { token });
    expectError('SESSION_NOT_FOUND', answer);
  });

  it('STEP_UP_REQUIRED for a young session that would end an older one', async () => {
    const owner = new DeployedApp(rest);
    await owner.signIn('register');
    const { accessToken: token } = await new DeployedApp(rest, { phone: owner.phone }).signIn(
      'login',
    );
    const answer = await owner.call('POST', '/sessions/revoke-all', { token });
    expectError('STEP_UP_REQUIRED', answer);
  });
});

/** What `act` gets when it is that much later. */
async function later<T>(seconds: number, act: () => Promise<T>): Promise<T> {
  clock.aheadMs = seconds * 1000;
  try {
    return await act();
  } finally {
    clock.aheadMs = 0;
  }
}
