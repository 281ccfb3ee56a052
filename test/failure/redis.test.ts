import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bearer, refusalOf } from '../support/client.ts';
import { SERVICE_TEST_TOKEN } from '../support/app.ts';
import { prove, registerPerson, newNumber } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { eventually, startFragileApp } from '../support/private-stores.ts';
import type { FragileApp } from '../support/private-stores.ts';

const asService = { headers: { 'x-test-caller': SERVICE_TEST_TOKEN } };
let app: FragileApp;
let person: SignedIn;
let leaver: SignedIn;

beforeAll(async () => {
  app = await startFragileApp();
  person = await registerPerson(app);
  leaver = await registerPerson(app);
});
afterAll(() => app.stop());

describe.each([
  ['stopped', () => app.valkey.stop()],
  [
    'frozen',
    () => {
      app.valkey.pause();
      return Promise.resolve();
    },
  ],
] as const)('with Redis %s', (state, takeAway) => {
  beforeAll(async () => {
    await takeAway();
    await eventually(
      () => app.clients.ops.getReadiness({}),
      ({ status }) => status === 'degraded',
    );
  });

  test('tokens still validate, JWKS and liveness answer', async () => {
    const { active } = await app.clients.auth.validateToken(
      { token: person.accessToken },
      asService,
    );
    expect(active).toBe(true);
    const { data } = await app.clients.auth.getJwks({});
    expect(Buffer.from(data).toString()).toContain('"kid"');
    expect((await app.clients.ops.getLiveness({})).status).toBe('live');
  });

  test('refresh works from PostgreSQL, also for a predecessor', async () => {
    const first = await app.clients.auth.refreshTokens({ refreshToken: person.refreshToken });
    const again = await app.clients.auth.refreshTokens({ refreshToken: person.refreshToken });
    expect(again.sessionId).toBe(first.sessionId);
    person = { ...person, ...first };
  });

  test('sends are refused with UNAVAILABLE and a time to try again, and count for nothing', async () => {
    const phone = newNumber();
    const refusal = await refusalOf(
      app.clients.auth.requestLoginVerification({ phoneNumber: phone }),
    );
    expect(refusal.reason).toBe('STORE_UNAVAILABLE');
    expect(refusal.retryDelayMs).toBeGreaterThan(0);
    expect(app.inbox.count(phone)).toBe(0);
  });

  test('readiness says degraded and names Redis', async () => {
    const { status, stores } = await app.clients.ops.getReadiness({});
    expect(status).toBe('degraded');
    expect(stores).toMatchObject({ redis: 'down', postgres: 'up' });
  });

  test('a logout is not lost', async () => {
    if (state === 'frozen') return;
    await app.clients.auth.logout({}, bearer(leaver.accessToken));
    const { reason } = await refusalOf(
      app.clients.device.listDevices({}, bearer(leaver.accessToken)),
    );
    expect(reason).toBe('SESSION_REVOKED');
  });

  test('its return needs no restart of ours, and revives nobody', async () => {
    if (state === 'frozen') app.valkey.resume();
    else await app.valkey.start();
    await eventually(
      () => app.clients.ops.getReadiness({}),
      ({ status }) => status === 'ready',
    );
    await prove(app, 'register');
    const { reason } = await refusalOf(
      app.clients.device.listDevices({}, bearer(leaver.accessToken)),
    );
    expect(reason).toBe('SESSION_REVOKED');
  });
});

test('a verification of another primary is void: a new SMS, never an extra check', async () => {
  const { phone, verificationId } = await prove(app, 'login', { phone: person.phone });
  await app.redis.hset(`verification:${verificationId}`, 'replid', 'of-the-primary-before');
  const { reason } = await refusalOf(
    app.clients.auth.login({ verificationId, deviceId: person.deviceId, deviceType: 'ios' }),
  );
  expect(reason).toBe('VERIFICATION_UNKNOWN');
  const confirm = { verificationId, code: app.inbox.codeFor(phone) };
  const again = await refusalOf(app.clients.auth.confirmLoginVerification(confirm));
  expect(again.reason).toBe('VERIFICATION_UNKNOWN');
});
