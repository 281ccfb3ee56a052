import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { bearer, refusalOf } from '../support/client.ts';
import { approve, approvedDevice, complete, reissue, scan, startDevice } from '../support/link.ts';
import type { NewDevice } from '../support/link.ts';
import { registerPerson } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { eventually, startFragileApp } from '../support/private-stores.ts';
import type { FragileApp } from '../support/private-stores.ts';

let app: FragileApp;
let owner: SignedIn;
let device: NewDevice;

beforeAll(async () => {
  app = await startFragileApp({ DB_STATEMENT_TIMEOUT_MS: '1000', DB_CONNECT_TIMEOUT_MS: '1000' });
  owner = await registerPerson(app);
});
afterAll(() => app.stop());

describe('a QR login without Redis', () => {
  beforeAll(async () => {
    device = await startDevice(app);
    await scan(app, owner, device);
    const { challengeId } = device.started;
    const watch = Array.fromAsync(device.clients.device.watchLink({ challengeId }));
    const ended = refusalOf(watch);
    await app.valkey.stop();
    expect((await ended).reason).toBe('STORE_UNAVAILABLE');
    await eventually(
      () => app.clients.ops.getReadiness({}),
      ({ status }) => status === 'degraded',
    );
  });

  test.each([
    ['a start', () => startDevice(app)],
    ['a further code', () => reissue(device, 5)],
    ['a poll', () => app.clients.device.getLink({ challengeId: device.started.challengeId })],
    [
      'a watch',
      () =>
        Array.fromAsync(app.clients.device.watchLink({ challengeId: device.started.challengeId })),
    ],
    ['a scan', () => scan(app, owner, device)],
    ['an approval', () => approve(app, owner, device)],
    [
      'a refusal',
      () =>
        app.clients.device.declineLink(
          { challengeId: device.started.challengeId },
          bearer(owner.accessToken),
        ),
    ],
    ['a collection', () => complete(device)],
  ] as const)('%s is UNAVAILABLE with RetryInfo', async (_name, call) => {
    const refusal = await refusalOf(call());
    expect(refusal.reason).toBe('STORE_UNAVAILABLE');
    expect(refusal.retryDelayMs).toBeGreaterThan(0);
  });

  test('is over when Redis comes back empty, and a new one works', async () => {
    await app.valkey.start();
    await eventually(
      () => app.clients.ops.getReadiness({}),
      ({ status }) => status === 'ready',
    );
    expect((await refusalOf(approve(app, owner, device))).reason).toBe('LINK_NOT_FOUND');
    await complete(await approvedDevice(app, owner));
  });
});

describe('a QR login without PostgreSQL', () => {
  beforeEach(async () => {
    device = await approvedDevice(app, owner);
  });

  test('keeps its approval: the tokens are collected when PostgreSQL is back', async () => {
    await app.postgres.stop();
    const refusal = await refusalOf(complete(device));
    expect(refusal.reason).toBe('STORE_UNAVAILABLE');
    expect(refusal.retryDelayMs).toBeGreaterThan(0);
    await app.postgres.start();
    const { userId } = await eventually(() => complete(device));
    expect(userId).toBe(owner.userId);
    expect((await refusalOf(complete(device))).reason).toBe('LINK_NOT_FOUND');
  });
});
