import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { TOTP } from 'otpauth';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, countReasons, refusalOf, together } from '../support/client.ts';
import { toldTo } from '../support/account.ts';
import {
  challengeOf,
  challengesOf,
  codeOf,
  freshenCodes,
  refusedLogin,
  registerTwoFactorPerson,
  signInWithFactor,
  wrongCodeFor,
} from '../support/two-factor-person.ts';
import type { TwoFactorPerson } from '../support/two-factor-person.ts';

const CALLERS = 64;
let app: TestApp;
let person: TwoFactorPerson;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());
beforeEach(async () => {
  person = await registerTwoFactorPerson(app);
});

function answer(challenge: string, token: string) {
  return app.clients.auth.verifyTwoFactor({ challenge, token });
}

function stepUp(token: string) {
  return app.clients.auth.verifyTwoFactor({ token }, bearer(person.accessToken));
}

// RFC 6238 §5.2: a verifier must not accept the second attempt of a code; many compare codes and keep no
// step.
describe('a code that somebody read over a shoulder', () => {
  test('is good once: not again for another login, step-up or change', async () => {
    const [first = '', second = ''] = await challengesOf(app, person.phone, 2);
    const token = codeOf(person.secret);
    await answer(first, token);
    const { auth } = app.clients;
    const as = bearer(person.accessToken);
    const calls = [
      () => answer(second, token),
      () => stepUp(token),
      () => auth.disableTwoFactor({ token }, as),
      () => auth.regenerateBackupCodes({ token }, as),
    ];
    for (const call of calls) {
      expect((await refusalOf(call())).reason).toBe('TWO_FACTOR_CODE_WRONG');
    }
  });

  test('is good once for 64 challenges and as many step-ups at the same moment', async () => {
    const challenges = await challengesOf(app, person.phone, 4);
    const replica = await app.replica();
    const token = codeOf(person.secret);
    const calls = await together(4, (index) => answer(challenges[index] ?? '', token));
    expect(countReasons(calls)['OK']).toBe(1);
    await freshenCodes(app, person.userId);
    const fresh = codeOf(person.secret);
    const as = bearer(person.accessToken);
    const steps = await together(CALLERS, (index) =>
      (index % 2 ? app : replica).clients.auth.verifyTwoFactor({ token: fresh }, as),
    );
    expect(countReasons(steps)['OK']).toBe(1);
    await replica.stop();
  });

  test('makes every older code worthless too, however new', async () => {
    await stepUp(codeOf(person.secret));
    const { reason } = await refusalOf(stepUp(codeOf(person.secret, -1)));
    expect(reason).toBe('TWO_FACTOR_CODE_WRONG');
  });

  test('is not good long before or after its time', async () => {
    for (const steps of [-2, -3, -10, 2, 10]) {
      const token = codeOf(person.secret, steps);
      const near = [-1, 0, 1].map((step) => codeOf(person.secret, step));
      if (near.includes(token)) continue;
      expect((await refusalOf(stepUp(token))).reason).toBe('TWO_FACTOR_CODE_WRONG');
      await freshenCodes(app, person.userId);
    }
  });

  test('of enrolment is burnt by enrolling', async () => {
    const { auth } = app.clients;
    const as = bearer(person.accessToken);
    await auth.disableTwoFactor({ token: person.backupCodes[0] ?? '' }, as);
    const { secret } = await auth.setUpTwoFactor({}, as);
    const token = codeOf(secret);
    await auth.enableTwoFactor({ token }, as);
    expect((await refusalOf(stepUp(token))).reason).toBe('TWO_FACTOR_CODE_WRONG');
  });

  test('does not live on in an older secret', async () => {
    const { auth } = app.clients;
    const as = bearer(person.accessToken);
    await auth.disableTwoFactor({ token: codeOf(person.secret) }, as);
    const { secret } = await auth.setUpTwoFactor({}, as);
    await auth.enableTwoFactor({ token: codeOf(secret) }, as);
    await freshenCodes(app, person.userId);
    const old = codeOf(person.secret);
    if (old !== codeOf(secret)) {
      expect((await refusalOf(stepUp(old))).reason).toBe('TWO_FACTOR_CODE_WRONG');
    }
  });

  test('cannot be replaced by any other text', async () => {
    const texts = [
      '',
      ' ',
      '0',
      '000000000',
      '12345',
      '1234567',
      '１２３４５６',
      '1e5',
      'null',
      '-00001',
    ];
    for (const token of texts) {
      const { reason } = await refusalOf(stepUp(token));
      expect(['TWO_FACTOR_CODE_WRONG', 'VALIDATION_FAILED']).toContain(reason);
      await freshenCodes(app, person.userId);
    }
  });
});

// The service that this one replaces gave four sessions for one backup code.
describe('one backup code', () => {
  test('is one session for 64 challenges redeemed together at two replicas', async () => {
    const replica = await app.replica();
    const challenges = await challengesOf(app, person.phone, 5);
    const [token = ''] = person.backupCodes;
    const calls = await together(CALLERS, (index) => {
      const challenge = challenges[index % challenges.length] ?? '';
      return (index % 2 ? app : replica).clients.auth.useBackupCode({ challenge, token });
    });
    expect(countReasons(calls)['OK']).toBe(1);
    const [row] = await app.sql<{ sessions: number; used: number }>(
      `SELECT (SELECT count(*)::int FROM sessions WHERE user_id = $1) AS sessions,
              (SELECT count(*)::int FROM backup_codes WHERE user_id = $1 AND used) AS used`,
      [person.userId],
    );
    expect(row).toEqual({ sessions: 2, used: 1 });
    await replica.stop();
  });

  test('is the same code in every spelling', async () => {
    const [code = ''] = person.backupCodes;
    const challenge = await challengeOf(app, person.phone);
    await app.clients.auth.useBackupCode({ challenge, token: code.toLowerCase() });
    for (const token of [code, code.replaceAll('-', ''), ` ${code} `]) {
      const late = { challenge: await challengeOf(app, person.phone), token };
      const { reason } = await refusalOf(app.clients.auth.useBackupCode(late));
      expect(reason).toBe('TWO_FACTOR_CODE_WRONG');
      await freshenCodes(app, person.userId);
    }
  });
});

// CWE-307 with CWE-362, and the opposite mistake: a factor that switches itself off to let its owner in.
describe('guesses of the second factor', () => {
  test('sent together are five, over any number of challenges and sessions', async () => {
    const challenges = await challengesOf(app, person.phone, 13);
    const token = wrongCodeFor(person.secret);
    const calls = await together(CALLERS, (index) =>
      index % 2 ? answer(challenges[index % 13] ?? '', token) : stepUp(token),
    );
    expect(countReasons(calls)['TWO_FACTOR_CODE_WRONG']).toBe(5);
    const right = await refusalOf(stepUp(codeOf(person.secret)));
    expect(right.reason).toBe('TWO_FACTOR_LOCKED');
  });

  test('do not begin anew with a new login', async () => {
    const token = wrongCodeFor(person.secret);
    for (let miss = 0; miss < 5; miss += 1) {
      const [challenge = ''] = await challengesOf(app, person.phone, 1);
      expect((await refusalOf(answer(challenge, token))).reason).toBe('TWO_FACTOR_CODE_WRONG');
    }
    const [challenge = ''] = await challengesOf(app, person.phone, 1);
    const locked = await refusalOf(answer(challenge, codeOf(person.secret)));
    expect(locked.reason).toBe('TWO_FACTOR_LOCKED');
  });

  test('that miss a hundred times switch nothing off, and leave the owner a way in', async () => {
    const token = wrongCodeFor(person.secret);
    for (let round = 0; round < 20; round += 1) {
      await together(5, () => stepUp(token));
      await app.sql('UPDATE two_factor_states SET locked_until = NULL WHERE user_id = $1', [
        person.userId,
      ]);
    }
    const refusing = await refusalOf(stepUp(codeOf(person.secret)));
    expect(refusing.reason).toBe('TWO_FACTOR_REFUSING');
    expect((await refusedLogin(app, person.phone)).reason).toBe('TWO_FACTOR_REQUIRED');
    const { auth } = app.clients;
    const status = await auth.getTwoFactorStatus({}, bearer(person.accessToken));
    expect(status).toMatchObject({ enabled: true, refusing: true });
    expect((await toldTo(app, person.userId)).filter((name) => /REFUSING/.test(name))).toHaveLength(
      1,
    );
    const challenge = await challengeOf(app, person.phone);
    await auth.useBackupCode({ challenge, token: person.backupCodes[0] ?? '' });
  });
});

// Enrolment as a way in: a session that was just opened replaces the factor by the thief’s own.
describe('a thief with a fresh session', () => {
  test('neither removes nor replaces the factor, nor reads its secret again', async () => {
    const thief = await signInWithFactor(app, person);
    const { auth } = app.clients;
    const as = bearer(thief.accessToken);
    const token = new TOTP({ secret: person.secret }).generate();
    const calls = [
      [() => auth.setUpTwoFactor({}, as), ['STEP_UP_REQUIRED', 'TWO_FACTOR_ALREADY_ENABLED']],
      [
        () => auth.enableTwoFactor({ token }, as),
        ['STEP_UP_REQUIRED', 'TWO_FACTOR_ALREADY_ENABLED'],
      ],
      [() => auth.disableTwoFactor({ token }, as), ['STEP_UP_REQUIRED']],
      [() => auth.regenerateBackupCodes({ token }, as), ['STEP_UP_REQUIRED']],
    ] as const;
    for (const [call, reasons] of calls) {
      expect(reasons).toContain((await refusalOf(call())).reason);
    }
    expect((await refusedLogin(app, person.phone)).reason).toBe('TWO_FACTOR_REQUIRED');
  });
});
