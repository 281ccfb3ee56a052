import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, countReasons, refusalOf, together } from '../support/client.ts';
import type { Settled } from '../support/client.ts';
import { letSleep } from '../support/dormant.ts';
import { legacyBundle, prove, provenMany, registerPerson } from '../support/person.ts';
import {
  challengeOf,
  challengesOf,
  codeOf,
  freshenCodes,
  loginWith,
  registerTwoFactorPerson,
  signInWithFactor,
  wrongCodeFor,
} from '../support/two-factor-person.ts';
import type { TwoFactorPerson } from '../support/two-factor-person.ts';

const CALLERS = 64;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('64 parallel callers with a second factor', () => {
  let owner: TwoFactorPerson;
  beforeEach(async () => {
    owner = await registerTwoFactorPerson(app);
  });

  test('get one challenge for one verification', async () => {
    const { verificationId } = await prove(app, 'login', owner);
    const logins = await together(CALLERS, () => loginWith(app, verificationId, {}));
    expect(countReasons(logins)).toEqual({
      TWO_FACTOR_REQUIRED: 1,
      VERIFICATION_SPENT: CALLERS - 1,
    });
  });

  test('open one session with one challenge and the right code', async () => {
    const challenge = await challengeOf(app, owner.phone);
    const token = codeOf(owner.secret);
    const answers = await together(CALLERS, () => verify(challenge, token));
    expect(okCount(answers)).toBe(1);
    expect(await sessionCount(owner)).toBe(2);
  });

  test('open one session with the same code for 64 challenges', async () => {
    const challenges = await challengesOf(app, owner.phone, CALLERS);
    const token = codeOf(owner.secret);
    const answers = await together(CALLERS, (index) => verify(challenges[index] ?? '', token));
    expect(okCount(answers)).toBe(1);
    expect(await sessionCount(owner)).toBe(2);
  });

  test('open one session with one backup code for 64 challenges', async () => {
    const challenges = await challengesOf(app, owner.phone, CALLERS);
    const token = owner.backupCodes[0] ?? '';
    const answers = await together(CALLERS, (index) =>
      app.clients.auth.useBackupCode({ challenge: challenges[index] ?? '', token }),
    );
    expect(okCount(answers)).toBe(1);
    expect(await sessionCount(owner)).toBe(2);
    const as = bearer(owner.accessToken);
    const { remaining } = await app.clients.auth.getRemainingBackupCodes({}, as);
    expect(remaining).toBe(9);
  });

  test('get five tries of one challenge and no more', async () => {
    const challenge = await challengeOf(app, owner.phone);
    const wrong = wrongCodeFor(owner.secret);
    const answers = await together(CALLERS, () => verify(challenge, wrong));
    expect(countReasons(answers)).toEqual({
      TWO_FACTOR_CODE_WRONG: 5,
      CHALLENGE_INVALID: CALLERS - 5,
    });
    await freshenCodes(app, owner.userId);
    const { reason } = await refusalOf(verify(challenge, codeOf(owner.secret)));
    expect(reason).toBe('CHALLENGE_INVALID');
  });

  test('get five tries of an account with 64 challenges', async () => {
    const challenges = await challengesOf(app, owner.phone, CALLERS);
    const wrong = wrongCodeFor(owner.secret);
    const answers = await together(CALLERS, (index) => verify(challenges[index] ?? '', wrong));
    expect(countReasons(answers)).toEqual({
      TWO_FACTOR_CODE_WRONG: 5,
      TWO_FACTOR_LOCKED: CALLERS - 5,
    });
  });

  test('never exceed the device cap with one challenge that was passed', async () => {
    const capped = await app.replica({ SESSION_DEVICE_CAP: '1' });
    const challenge = await challengeOf(app, owner.phone);
    const token = codeOf(owner.secret);
    const { auth } = capped.clients;
    const full = await refusalOf(auth.verifyTwoFactor({ challenge, token }));
    expect(full.reason).toBe('DEVICE_LIMIT');
    await app.sql(`UPDATE sessions SET last_seen_at = now() - interval '8 days'`);
    await app.sql(`UPDATE devices SET last_active = now() - interval '8 days'`);
    const replaceDeviceId = owner.deviceId;
    const answers = await together(CALLERS, () =>
      auth.verifyTwoFactor({ challenge, replaceDeviceId }),
    );
    expect(countReasons(answers)).toEqual({ OK: 1, CHALLENGE_INVALID: CALLERS - 1 });
    expect(await sessionCount(owner)).toBe(1);
    await capped.stop();
  });

  test('step one session up with one code once', async () => {
    const junior = await signInWithFactor(app, owner);
    await freshenCodes(app, owner.userId);
    const token = codeOf(owner.secret);
    const answers = await together(CALLERS, () =>
      app.clients.auth.verifyTwoFactor({ token }, bearer(junior.accessToken)),
    );
    expect(okCount(answers)).toBe(1);
  });
});

describe('a flood of backup codes', () => {
  test('costs no try of a login that the service had no room for', async () => {
    const narrow = await app.replica({
      TWO_FACTOR_BCRYPT_CONCURRENCY: '1',
      TWO_FACTOR_BCRYPT_QUEUE_LENGTH: '16',
    });
    const challenges: string[] = [];
    for (let count = 1; count <= 4; count += 1) {
      const { phone } = await registerTwoFactorPerson(app);
      challenges.push(await challengeOf(app, phone));
    }
    const answers = await together(20, (index) =>
      narrow.clients.auth.useBackupCode({
        challenge: challenges[index % 4] ?? '',
        token: '0000-0000-0000-0000',
      }),
    );
    const { OVERLOADED = 0, TWO_FACTOR_CODE_WRONG: wrong = 0 } = countReasons(answers);
    expect(OVERLOADED).toBeGreaterThan(0);
    expect(OVERLOADED + wrong).toBe(20);
    const rows = await app.sql(
      `SELECT sum(tries)::int AS tries FROM two_factor_challenges
        WHERE id IN (SELECT sha256(convert_to(given, 'UTF8')) FROM unnest($1::text[]) AS given)`,
      [challenges],
    );
    expect(rows).toEqual([{ tries: wrong }]);
    await narrow.stop();
  });
});

describe('64 parallel callers on a dormant account', () => {
  test('move its number to one new account', async () => {
    const owner = await registerPerson(app);
    await letSleep(app, owner.userId);
    const { phone } = owner;
    const proven = await provenMany(app, { purpose: 'register', phone, count: CALLERS });
    const answers = await together(CALLERS, (index) => register(proven[index] ?? ''));
    expect(countReasons(answers)).toEqual({ OK: 1, ACCOUNT_EXISTS: CALLERS - 1 });
    const rows = await app.sql('SELECT id FROM users_auth WHERE phone_number = $1', [phone]);
    expect(rows).toHaveLength(1);
    const spent = `SELECT count(*)::int AS count FROM consumed_verifications WHERE id = ANY ($1)`;
    expect(await app.sql(spent, [proven])).toEqual([{ count: 1 }]);
  });

  test('move it once with one verification', async () => {
    const owner = await registerPerson(app);
    await letSleep(app, owner.userId);
    const { verificationId } = await prove(app, 'register', owner);
    const answers = await together(CALLERS, () => register(verificationId));
    expect(countReasons(answers)).toEqual({ OK: 1, VERIFICATION_SPENT: CALLERS - 1 });
  });

  test('who log in and register at once never share an account', async () => {
    const owner = await registerPerson(app);
    await letSleep(app, owner.userId);
    const { phone } = owner;
    const half = CALLERS / 2;
    const logins = await provenMany(app, { purpose: 'login', phone, count: half });
    const registers = await provenMany(app, { purpose: 'register', phone, count: half });
    const answers = await together(CALLERS, (index): Promise<{ userId: string }> =>
      index % 2 === 0
        ? loginWith(app, logins[index / 2] ?? '', {})
        : register(registers[(index - 1) / 2] ?? ''),
    );
    const accounts = answers.flatMap((answer) =>
      answer.status === 'ok' ? [answer.value.userId] : [],
    );
    const [holder] = await app.sql<{ id: string }>(
      'SELECT id FROM users_auth WHERE phone_number = $1',
      [phone],
    );
    expect(new Set(accounts)).toEqual(new Set([holder?.id]));
    const old = await app.sql('SELECT id FROM devices WHERE user_id = $1 AND id = $2', [
      owner.userId,
      owner.deviceId,
    ]);
    expect(old).toEqual([]);
  });
});

function verify(challenge: string, token: string) {
  return app.clients.auth.verifyTwoFactor({ challenge, token });
}

function register(verificationId: string) {
  const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
  const signalKeyBundle = legacyBundle();
  return app.clients.auth.register({ ...device, replaceDormantAccount: true, signalKeyBundle });
}

function okCount(answers: readonly Settled<unknown>[]): number {
  return countReasons(answers)['OK'] ?? 0;
}

async function sessionCount(person: { userId: string }): Promise<number> {
  const rows = await app.sql('SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL', [
    person.userId,
  ]);
  return rows.length;
}
