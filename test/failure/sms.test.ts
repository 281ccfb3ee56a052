import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { refusalOf, together } from '../support/client.ts';
import { newAddress, newNumber, prove } from '../support/person.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

test('with the SMS provider down, sends say so, count for nothing, and the service stays ready', async () => {
  const phone = newNumber();
  const clients = app.clientsAt(newAddress());
  app.inbox.setBroken(true);
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const refusal = await refusalOf(
      clients.auth.requestRegisterVerification({ phoneNumber: phone }),
    );
    expect(refusal.reason).toBe('SMS_UNAVAILABLE');
    expect(refusal.retryDelayMs).toBeGreaterThan(0);
  }
  expect((await clients.ops.getReadiness({})).status).toBe('ready');
  app.inbox.setBroken(false);
  await prove(app, 'register', { phone, clients });
});

test('many callers at once with the provider down leave nothing counted', async () => {
  const phone = newNumber();
  app.inbox.setBroken(true);
  await together(64, () =>
    app.clientsAt(newAddress()).auth.requestLoginVerification({ phoneNumber: phone }),
  );
  app.inbox.setBroken(false);
  const rows = await app.sql('SELECT count(*)::int AS count FROM phone_attempts');
  expect(rows).toEqual([{ count: 1 }]);
  await prove(app, 'login', { phone });
});
