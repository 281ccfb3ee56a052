import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf, settle, together } from '../support/client.ts';
import type { Clients } from '../support/client.ts';
import { newAddress, prove } from '../support/person.ts';

const STRANGERS = 64;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

/** An account whose owner signed in from home. */
async function settled(): Promise<{ phone: string; home: Clients; accessToken: string }> {
  const home = app.clientsAt(newAddress());
  const { phone, verificationId } = await prove(app, 'register', { clients: home });
  const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
  const { accessToken } = await home.auth.register(device);
  return { phone, home, accessToken };
}

async function signInFrom(home: Clients, phone: string): Promise<void> {
  const { verificationId } = await prove(app, 'login', { phone, clients: home });
  await home.auth.login({ verificationId, deviceId: randomUUID(), deviceType: 'ios' });
}

/** Strangers ask for codes until nobody among them gets one any more. */
async function useUpSends(phone: string): Promise<number> {
  const before = app.inbox.count(phone);
  await together(STRANGERS, () =>
    app.clientsAt(newAddress()).auth.requestLoginVerification({ phoneNumber: phone }),
  );
  return app.inbox.count(phone) - before;
}

/** Strangers miss until their guesses are not compared any more. */
async function useUpChecks(phone: string): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    const { auth } = app.clientsAt(newAddress());
    const asked = await settle(auth.requestLoginVerification({ phoneNumber: phone }));
    if (asked.status === 'refused') return;
    const code = app.inbox.codeFor(phone) === '000000' ? '000001' : '000000';
    const { verificationId } = asked.value;
    await together(5, () => auth.confirmLoginVerification({ verificationId, code }));
  }
}

// Account lockout as a weapon (CWE-645): per-account counters that anybody may fill.
describe('a victim whose number strangers abuse', () => {
  test('still gets a code at home when strangers used up every send of the day', async () => {
    const { phone, home } = await settled();
    expect(await useUpSends(phone)).toBeLessThanOrEqual(20);
    await signInFrom(home, phone);
  });

  test('still signs in at home when strangers used up every check', async () => {
    const { phone, home } = await settled();
    await useUpChecks(phone);
    await signInFrom(home, phone);
  });

  test('still signs in at home when strangers used up both', async () => {
    const { phone, home } = await settled();
    await useUpChecks(phone);
    await useUpSends(phone);
    await signInFrom(home, phone);
  });

  test('loses no session by it, and no right to refresh', async () => {
    const { phone, accessToken } = await settled();
    await useUpChecks(phone);
    await useUpSends(phone);
    await app.clients.device.listDevices({}, bearer(accessToken));
  });

  test('is not kept from a code already received by others asking after it', async () => {
    const { phone, home } = await settled();
    const own = await home.auth.requestLoginVerification({ phoneNumber: phone });
    const code = app.inbox.codeFor(phone);
    await useUpSends(phone);
    const { verificationId } = own;
    await home.auth.confirmLoginVerification({ verificationId, code });
    await home.auth.login({ verificationId, deviceId: randomUUID(), deviceType: 'ios' });
  });

  test('has a proven id that no stranger can end by failing', async () => {
    const { phone, home } = await settled();
    const { verificationId } = await prove(app, 'login', { phone, clients: home });
    await useUpChecks(phone);
    await home.auth.login({ verificationId, deviceId: randomUUID(), deviceType: 'ios' });
  });

  test('is not told from a number without an account by what strangers are answered', async () => {
    const { phone } = await settled();
    const unknown = `${phone.slice(0, -1)}${(Number(phone.at(-1)) + 1) % 10}`;
    const answers = [];
    for (const number of [phone, unknown]) {
      await useUpChecks(number);
      const { auth } = app.clientsAt(newAddress());
      const refusal = await refusalOf(auth.requestLoginVerification({ phoneNumber: number }));
      answers.push([refusal.code, refusal.reason, refusal.message, refusal.metadata]);
    }
    expect(answers[0]).toEqual(answers[1]);
  });
});
