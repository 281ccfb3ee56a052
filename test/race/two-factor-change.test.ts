import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, countReasons, together } from '../support/client.ts';
import { registerPerson } from '../support/person.ts';
import { codeOf, registerTwoFactorPerson, wrongCodeFor } from '../support/two-factor-person.ts';
import type { TwoFactorPerson } from '../support/two-factor-person.ts';

const CALLERS = 64;
let app: TestApp;
let owner: TwoFactorPerson;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('64 callers at once', () => {
  beforeEach(async () => {
    owner = await registerTwoFactorPerson(app);
  });

  test('with one authenticator code: one is served', async () => {
    const token = codeOf(owner.secret);
    const counts = countReasons(await together(CALLERS, () => regenerate(token)));
    expect(counts['OK']).toBe(1);
    expectOnlyRefusals(counts);
  });

  test('with one backup code: one is served', async () => {
    const token = owner.backupCodes[7] ?? '';
    const counts = countReasons(await together(CALLERS, () => regenerate(token)));
    expect(counts['OK']).toBe(1);
    expectOnlyRefusals(counts);
  });

  test('with one backup code, to turn the factor off: one is served', async () => {
    const token = owner.backupCodes[7] ?? '';
    const counts = countReasons(
      await together(CALLERS, () =>
        app.clients.auth.disableTwoFactor({ token }, bearer(owner.accessToken)),
      ),
    );
    expect(counts['OK']).toBe(1);
    expectOnlyRefusals(counts);
  });

  test.each([
    ['authenticator', () => wrongCodeFor(owner.secret)],
    ['backup', () => '3K7Q-9XWM-2FTB-64HC'],
  ])('with wrong %s codes: five are compared, the rest is locked out', async (_kind, wrong) => {
    const token = wrong();
    const counts = countReasons(await together(CALLERS, () => regenerate(token)));
    expect(counts).toEqual({ TWO_FACTOR_CODE_WRONG: 5, TWO_FACTOR_LOCKED: CALLERS - 5 });
    const [row] = await app.sql(
      `SELECT misses, (SELECT count(*)::int FROM audit_events
                        WHERE account_id = $1 AND type = 'two_factor.code_wrong') AS compared
         FROM two_factor_states WHERE user_id = $1`,
      [owner.userId],
    );
    expect(row).toEqual({ misses: 5, compared: 5 });
  });

  test('with the hundredth miss: the owner is told once', async () => {
    await app.sql('UPDATE two_factor_states SET misses = 95 WHERE user_id = $1', [owner.userId]);
    const token = wrongCodeFor(owner.secret);
    await together(CALLERS, () => regenerate(token));
    const told = `SELECT count(*)::int AS count FROM audit_events
                   WHERE account_id = $1 AND type = 'two_factor.refusing'`;
    expect(await app.sql(told, [owner.userId])).toEqual([{ count: 1 }]);
  });
});

test('64 callers that turn the factor on at once: one gets backup codes, and they are good', async () => {
  const person = await registerPerson(app);
  const as = bearer(person.accessToken);
  const { secret } = await app.clients.auth.setUpTwoFactor({}, as);
  const token = codeOf(secret);
  const outcomes = await together(CALLERS, () => app.clients.auth.enableTwoFactor({ token }, as));
  const counts = countReasons(outcomes);
  expect(counts['OK']).toBe(1);
  expectOnlyRefusals(counts);
  const codes = outcomes.flatMap((one) => (one.status === 'ok' ? one.value.backupCodes : []));
  await app.clients.auth.disableTwoFactor({ token: codes[5] ?? '' }, as);
});

test('64 set-ups at once tell the devices once and leave one secret, which can be proven', async () => {
  const person = await registerPerson(app);
  const as = bearer(person.accessToken);
  const outcomes = await together(CALLERS, () => app.clients.auth.setUpTwoFactor({}, as));
  expect(countReasons(outcomes)).toEqual({ OK: CALLERS });
  const told = `SELECT count(*)::int AS count FROM outbox
                 WHERE account_id = $1 AND type = 'security'`;
  expect(await app.sql(told, [person.userId])).toEqual([{ count: 1 }]);
  const { secret } = await app.clients.auth.setUpTwoFactor({}, as);
  await app.clients.auth.enableTwoFactor({ token: codeOf(secret) }, as);
});

function regenerate(token: string) {
  return app.clients.auth.regenerateBackupCodes({ token }, bearer(owner.accessToken));
}

/** Besides the winner, everybody was told why not. */
function expectOnlyRefusals(counts: Record<string, number>): void {
  const expected = [
    'OK',
    'TWO_FACTOR_CODE_WRONG',
    'TWO_FACTOR_LOCKED',
    'TWO_FACTOR_NOT_ENABLED',
    'TWO_FACTOR_ALREADY_ENABLED',
    'OVERLOADED',
  ];
  expect(Object.keys(counts).filter((reason) => !expected.includes(reason))).toEqual([]);
}
