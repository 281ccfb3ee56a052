import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ageSession, proveNewNumber, provenChanges } from '../support/account.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, countReasons, settle, together } from '../support/client.ts';
import type { Settled } from '../support/client.ts';
import {
  newAddress,
  newNumber,
  prove,
  provenLogins,
  provenMany,
  registerPerson,
} from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { codeOf, registerTwoFactorPerson } from '../support/two-factor-person.ts';

const CALLERS = 64;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

async function people(count: number): Promise<SignedIn[]> {
  const found: SignedIn[] = [];
  for (let index = 0; index < count; index += 1) found.push(await registerPerson(app));
  for (const { sessionId } of found) await ageSession(app, sessionId, 8);
  return found;
}

function change(person: SignedIn, newNumberVerificationId: string, token = '') {
  const proofs = { newNumberVerificationId, token };
  return app.clients.auth.changePhoneNumber(proofs, bearer(person.accessToken));
}

async function ownersOf(phone: string): Promise<string[]> {
  const rows = await app.sql<{ id: string }>('SELECT id FROM users_auth WHERE phone_number = $1', [
    phone,
  ]);
  return rows.map(({ id }) => id);
}

async function livingSessions(accountId: string): Promise<number> {
  const [row] = await app.sql<{ count: number }>(
    'SELECT count(*)::int AS count FROM sessions WHERE user_id = $1 AND revoked_at IS NULL',
    [accountId],
  );
  return row?.count ?? 0;
}

function login(verificationId: string) {
  return app.clients.auth.login({ verificationId, deviceId: randomUUID(), deviceType: 'ios' });
}

/** Access tokens of the calls that gave any. */
function tokensIn(outcomes: readonly Settled<object>[]): string[] {
  return outcomes.flatMap((outcome) => {
    if (outcome.status !== 'ok' || !('accessToken' in outcome.value)) return [];
    return [String(outcome.value.accessToken)];
  });
}

describe('64 parallel number changes', () => {
  test('of 64 accounts to one number give it to one of them', async () => {
    const phone = newNumber();
    const rivals = await people(CALLERS);
    const ids = await provenChanges(app, rivals, phone);
    const changes = await together(CALLERS, (index) => {
      const rival = rivals[index];
      if (!rival) throw new Error('One person per caller');
      return change(rival, ids[index] ?? '');
    });
    expect(countReasons(changes)).toEqual({ OK: 1, NUMBER_TAKEN: CALLERS - 1 });
    expect(await ownersOf(phone)).toHaveLength(1);
    const told = await app.sql(`SELECT id FROM outbox WHERE type = 'phone.changed'`);
    expect(told).toHaveLength(1);
  });

  test('with one verification are one change, also with one authenticator code', async () => {
    const person = await registerTwoFactorPerson(app);
    const { phone, verificationId } = await proveNewNumber(app, person);
    const token = codeOf(person.secret);
    const changes = await together(4, () => change(person, verificationId, token));
    const { OK, ...others } = countReasons(changes);
    expect(OK).toBe(1);
    expect(Object.keys(others).filter((name) => !/SPENT|CODE_WRONG/.test(name))).toEqual([]);
    const [owner] = await people(1);
    if (!owner) throw new Error('One person was made');
    const next = await proveNewNumber(app, owner);
    const repeated = await together(CALLERS, () => change(owner, next.verificationId));
    expect(countReasons(repeated)).toEqual({ OK: 1, VERIFICATION_SPENT: CALLERS - 1 });
    expect(await ownersOf(phone)).toEqual([person.userId]);
  });

  test('and registrations of one number leave it with one account', async () => {
    const phone = newNumber();
    const rivals = await people(8);
    const ids = await provenChanges(app, rivals, phone);
    const registers = await provenMany(app, { purpose: 'register', phone, count: 8 });
    const outcomes = await together<object>(16, (index) => {
      const rival = rivals[index - 8];
      if (rival) return change(rival, ids[index - 8] ?? '');
      const verificationId = registers[index] ?? '';
      return app.clients.auth.register({ verificationId, deviceId: randomUUID() });
    });
    const { OK, ...others } = countReasons(outcomes);
    expect(OK).toBe(1);
    expect(Object.keys(others).sort()).toEqual(['ACCOUNT_EXISTS', 'NUMBER_TAKEN']);
    expect(await ownersOf(phone)).toHaveLength(1);
  });
});

describe('64 parallel starts of a recovery', () => {
  test('are one recovery, and 63 refusals', async () => {
    const person = await registerTwoFactorPerson(app);
    const ids = await provenLogins(app, person.phone, CALLERS);
    const starts = await together(CALLERS, (index) =>
      app.clients.auth.startRecovery({ verificationId: ids[index] ?? '' }),
    );
    expect(countReasons(starts)).toEqual({ OK: 1, RECOVERY_UNAVAILABLE: CALLERS - 1 });
    const rows = await app.sql('SELECT id FROM recoveries WHERE user_id = $1', [person.userId]);
    expect(rows).toHaveLength(1);
  });
});

describe('cancelling and completing a recovery at once', () => {
  test('is one of the two', async () => {
    const person = await registerTwoFactorPerson(app);
    const [first = '', ...ids] = await provenLogins(app, person.phone, 33);
    const { recoveryId } = await app.clients.auth.startRecovery({ verificationId: first });
    await app.sql('UPDATE recoveries SET ready_at = now() WHERE id = $1', [recoveryId]);
    const outcomes = await together<object>(CALLERS, (index) => {
      const verificationId = ids[index];
      return verificationId === undefined
        ? app.clients.auth.cancelRecovery({ recoveryId }, bearer(person.accessToken))
        : app.clients.auth.completeRecovery({ recoveryId, verificationId });
    });
    expect(countReasons(outcomes)).toEqual({ OK: 1, RECOVERY_NOT_FOUND: CALLERS - 1 });
    const [row] = await app.sql<{ on: boolean; outcome: string }>(
      `SELECT u.two_factor_enabled AS on, r.outcome FROM users_auth u JOIN recoveries r ON r.user_id = u.id
        WHERE u.id = $1`,
      [person.userId],
    );
    expect(row?.on).toBe(row?.outcome === 'cancelled');
  });
});

describe('a lockdown', () => {
  test('leaves no session of the logins and refreshes beside it', async () => {
    const person = await registerPerson(app);
    const ids = await provenLogins(app, person.phone, 9);
    const as = bearer(person.accessToken);
    const outcomes = await together<object>(CALLERS, (index) => {
      const { refreshToken } = person;
      if (index < 9) return login(ids[index] ?? '');
      return index === 20
        ? app.clients.auth.lockDownAccount({}, as)
        : app.clients.auth.refreshTokens({ refreshToken });
    });
    expect(await livingSessions(person.userId)).toBe(0);
    expect(countReasons(outcomes)).not.toHaveProperty('INTERNAL');
    for (const accessToken of tokensIn(outcomes)) {
      const using = app.clients.auth.getAccount({}, bearer(accessToken));
      expect((await settle(using)).status).toBe('refused');
    }
  });

  test('asked for 64 times is one', async () => {
    const person = await registerPerson(app);
    const locks = await together(CALLERS, () =>
      app.clients.auth.lockDownAccount({}, bearer(person.accessToken)),
    );
    expect(countReasons(locks)).toEqual({ OK: 1, SESSION_REVOKED: CALLERS - 1 });
  });
});

describe('deleting an account', () => {
  test('asked for 64 times is one deletion', async () => {
    const person = await registerPerson(app);
    const deletions = await together(CALLERS, () =>
      app.clients.auth.deleteAccount({}, bearer(person.accessToken)),
    );
    expect(countReasons(deletions)).toEqual({ OK: 1, SESSION_REVOKED: CALLERS - 1 });
    expect(await ownersOf(person.phone)).toEqual([]);
  });

  test('beside logins, refreshes and wrong codes is refused by nobody and leaves nothing', async () => {
    const person = await registerPerson(app);
    const ids = await provenLogins(app, person.phone, 9);
    const guesses = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const { auth } = app.clientsAt(newAddress());
        const asked = await auth.requestLoginVerification({ phoneNumber: person.phone });
        return () =>
          auth.confirmLoginVerification({ verificationId: asked.verificationId, code: '000000' });
      }),
    );
    const outcomes = await together<object>(40, (index) => {
      const { refreshToken } = person;
      if (index < 9) return login(ids[index] ?? '');
      if (index === 12) return app.clients.auth.deleteAccount({}, bearer(person.accessToken));
      const guess = guesses[index - 13];
      return guess ? guess() : app.clients.auth.refreshTokens({ refreshToken });
    });
    expect(outcomes[12]?.status).toBe('ok');
    expect(countReasons(outcomes)).not.toHaveProperty('INTERNAL');
    for (const table of ['devices', 'sessions', 'login_history', 'prekeys']) {
      const sql = `SELECT user_id FROM ${table} WHERE user_id = $1`;
      expect(await app.sql(sql, [person.userId])).toEqual([]);
    }
    for (const accessToken of tokensIn(outcomes)) {
      const using = app.clients.auth.getAccount({}, bearer(accessToken));
      expect((await settle(using)).status).toBe('refused');
    }
    await prove(app, 'register', { phone: person.phone });
  });
});
