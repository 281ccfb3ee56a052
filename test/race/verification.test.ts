import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { countReasons, refusalOf, together } from '../support/client.ts';
import { legacyBundle, newAddress, newNumber, prove, registerPerson } from '../support/person.ts';

const CALLERS = 64;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('64 parallel callers', () => {
  test('get five comparisons of one code and no more, from one address or from many', async () => {
    const phone = newNumber();
    const { auth } = app.clientsAt(newAddress());
    const { verificationId } = await auth.requestRegisterVerification({ phoneNumber: phone });
    const wrong = wrongCode(app.inbox.codeFor(phone));
    const guesses = await together(CALLERS, (index) => {
      const guesser = index % 2 === 0 ? auth : app.clientsAt(newAddress()).auth;
      return guesser.confirmRegisterVerification({ verificationId, code: wrong });
    });
    const counts = countReasons(guesses);
    expect(counts['CODE_WRONG']).toBe(5);
    expect(counts['CODE_ATTEMPTS_EXCEEDED']).toBe(CALLERS - 5);
    const right = { verificationId, code: app.inbox.codeFor(phone) };
    const { reason } = await refusalOf(auth.confirmRegisterVerification(right));
    expect(reason).toBe('CODE_ATTEMPTS_EXCEEDED');
  });

  test('never send more than one code to a number within the cool-down of an address', async () => {
    const phone = newNumber();
    const { auth } = app.clientsAt(newAddress());
    const requests = await together(CALLERS, () =>
      auth.requestLoginVerification({ phoneNumber: phone }),
    );
    expect(countReasons(requests)).toEqual({ OK: 1, RATE_LIMITED: CALLERS - 1 });
    expect(app.inbox.count(phone)).toBe(1);
  });

  test('from 64 strange addresses leave the reserve of known ones within the daily hard cap', async () => {
    const phone = newNumber();
    const requests = await together(CALLERS, () =>
      app.clientsAt(newAddress()).auth.requestLoginVerification({ phoneNumber: phone }),
    );
    expect(countReasons(requests)).toEqual({ OK: 18, RATE_LIMITED: CALLERS - 18 });
    expect(app.inbox.count(phone)).toBe(18);
  });

  test('of one address never reach more than ten unverified numbers in an hour', async () => {
    const { auth } = app.clientsAt(newAddress());
    const numbers = Array.from({ length: CALLERS }, newNumber);
    const requests = await together(CALLERS, (index) =>
      auth.requestRegisterVerification({ phoneNumber: numbers[index] ?? '' }),
    );
    expect(countReasons(requests)).toEqual({ OK: 10, RATE_LIMITED: CALLERS - 10 });
    const sent = numbers.reduce((sum, phone) => sum + app.inbox.count(phone), 0);
    expect(sent).toBe(10);
  });

  test('share one IPv6 /64 as one address', async () => {
    const requests = await together(CALLERS, (index) => {
      const address = `2001:db8:1:2::${(index + 1).toString(16)}`;
      return app.clientsAt(address).auth.requestRegisterVerification({ phoneNumber: newNumber() });
    });
    expect(countReasons(requests)).toEqual({ OK: 10, RATE_LIMITED: CALLERS - 10 });
  });

  test('register one account with one verification', async () => {
    const { phone, verificationId } = await prove(app, 'register');
    const registrations = await together(CALLERS, () =>
      app.clients.auth.register({
        verificationId,
        deviceId: randomUUID(),
        deviceType: 'ios',
        signalKeyBundle: legacyBundle(),
      }),
    );
    expect(countReasons(registrations)).toEqual({ OK: 1, VERIFICATION_SPENT: CALLERS - 1 });
    const rows = await app.sql(
      `SELECT (SELECT count(*)::int FROM users_auth WHERE phone_number = $1) AS accounts,
              (SELECT count(*)::int FROM sessions s JOIN users_auth u ON u.id = s.user_id
                WHERE u.phone_number = $1) AS sessions`,
      [phone],
    );
    expect(rows).toEqual([{ accounts: 1, sessions: 1 }]);
  });

  test('log in once with one verification', async () => {
    const { phone } = await registerPerson(app);
    const { verificationId } = await prove(app, 'login', { phone });
    const logins = await together(CALLERS, () =>
      app.clients.auth.login({ verificationId, deviceId: randomUUID(), deviceType: 'web' }),
    );
    expect(countReasons(logins)).toEqual({ OK: 1, VERIFICATION_SPENT: CALLERS - 1 });
  });
});

function wrongCode(code: string): string {
  return code === '000000' ? '000001' : '000000';
}
