import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bearer, refusalOf } from '../support/client.ts';
import { SERVICE_TEST_TOKEN } from '../support/app.ts';
import { newNumber, prove, registerPerson } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { eventually, startFragileApp } from '../support/private-stores.ts';
import type { FragileApp } from '../support/private-stores.ts';

const UNAVAILABLE = 14;
const asService = { headers: { 'x-test-caller': SERVICE_TEST_TOKEN } };
let app: FragileApp;
let person: SignedIn;

beforeAll(async () => {
  app = await startFragileApp({ DB_STATEMENT_TIMEOUT_MS: '1000', DB_CONNECT_TIMEOUT_MS: '1000' });
  person = await registerPerson(app);
});
afterAll(() => app.stop());

describe.each([
  ['stopped', () => app.postgres.stop()],
  ['killed', () => app.postgres.kill()],
] as const)('with PostgreSQL %s', (_state, takeAway) => {
  beforeAll(async () => {
    await takeAway();
    await eventually(
      () => refusalOf(app.clients.ops.getReadiness({})),
      ({ reason }) => reason === 'NOT_READY',
    );
    // Past this age the revocation feed is not believed any more.
    await eventually(
      () => refusalOf(app.clients.auth.validateToken({ token: person.accessToken }, asService)),
      ({ reason }) => reason === 'STORE_UNAVAILABLE',
    );
  });

  test.each([
    ['a refresh', () => app.clients.auth.refreshTokens({ refreshToken: person.refreshToken })],
    ['a list', () => app.clients.device.listDevices({}, bearer(person.accessToken))],
    ['a logout', () => app.clients.auth.logout({}, bearer(person.accessToken))],
    [
      'a validation',
      () => app.clients.auth.validateToken({ token: person.accessToken }, asService),
    ],
    ['a send', () => app.clients.auth.requestLoginVerification({ phoneNumber: newNumber() })],
  ] as const)('%s is UNAVAILABLE with RetryInfo, never signed out', async (_name, call) => {
    const refusal = await refusalOf(call());
    expect(refusal.code).toBe(UNAVAILABLE);
    expect(refusal.reason).toBe('STORE_UNAVAILABLE');
    expect(refusal.retryDelayMs).toBeGreaterThan(0);
  });

  test('JWKS and liveness still answer', async () => {
    const { data } = await app.clients.auth.getJwks({});
    expect(Buffer.from(data).toString()).toContain('"kid"');
    expect((await app.clients.ops.getLiveness({})).status).toBe('live');
  });

  test('it recovers by itself, with the session it had', async () => {
    await app.postgres.start();
    await eventually(
      () => app.clients.ops.getReadiness({}),
      ({ status }) => status === 'ready',
    );
    const next = await app.clients.auth.refreshTokens({ refreshToken: person.refreshToken });
    expect(next.sessionId).toBe(person.sessionId);
    person = { ...person, ...next };
    await prove(app, 'register');
  });
});

test('a session that Redis remembers as revoked is refused while PostgreSQL is away', async () => {
  const leaver = await registerPerson(app);
  await app.redis.set(`session:${leaver.sessionId}`, 'revoked', 'EX', 60);
  await app.postgres.stop();
  const refusal = await eventually(
    () => refusalOf(app.clients.device.listDevices({}, bearer(leaver.accessToken))),
    ({ reason }) => reason === 'SESSION_REVOKED',
  );
  expect(refusal.reason).toBe('SESSION_REVOKED');
  await app.postgres.start();
});
