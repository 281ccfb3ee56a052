import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import {
  codeOf,
  freshenCodes,
  toldOfFactor,
  turnOnTwoFactor,
  wrongCodeFor,
} from '../support/two-factor-person.ts';

let app: TestApp;
let owner: SignedIn;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());
beforeEach(async () => {
  owner = await registerPerson(app);
});

describe('turning it off', () => {
  test('takes a present code, erases secret and codes, and can be done over', async () => {
    const { secret } = await turnOnTwoFactor(app, owner);
    await app.clients.auth.disableTwoFactor({ token: codeOf(secret) }, asOwner());
    expect(await status()).toMatchObject({ enabled: false });
    const left = `SELECT (SELECT count(*)::int FROM backup_codes WHERE user_id = $1) AS codes,
                         (SELECT count(*)::int FROM two_factor_states WHERE user_id = $1) AS states,
                         two_factor_secret, two_factor_enabled FROM users_auth WHERE id = $1`;
    expect(await app.sql(left, [owner.userId])).toEqual([
      { codes: 0, states: 0, two_factor_secret: null, two_factor_enabled: false },
    ]);
    expect((await toldOfFactor(app, owner.userId)).at(-1)).toContain('disabled');
    await signIn(app, owner.phone);
    await turnOnTwoFactor(app, owner);
    expect(await remaining()).toBe(10);
  });

  test('takes a backup code, however it is typed', async () => {
    const { backupCodes } = await turnOnTwoFactor(app, owner);
    const typed = (backupCodes[4] ?? '').toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o');
    await app.clients.auth.disableTwoFactor({ code: typed }, asOwner());
    expect((await status()).enabled).toBe(false);
  });

  test('is refused for a wrong code of either kind, as INVALID_ARGUMENT', async () => {
    const { secret } = await turnOnTwoFactor(app, owner);
    for (const token of [wrongCodeFor(secret), '3K7Q-9XWM-2FTB-64HC', 'no code at all']) {
      const refusal = await refusalOf(app.clients.auth.disableTwoFactor({ token }, asOwner()));
      expect(refusal).toMatchObject({
        reason: 'TWO_FACTOR_CODE_WRONG',
        code: 3,
        fields: ['token'],
      });
    }
    expect((await status()).enabled).toBe(true);
  });

  test('says so when it is off', async () => {
    for (const token of ['123456', '3K7Q-9XWM-2FTB-64HC']) {
      const refusal = await refusalOf(app.clients.auth.disableTwoFactor({ token }, asOwner()));
      expect(refusal).toMatchObject({ reason: 'TWO_FACTOR_NOT_ENABLED', code: 9 });
    }
    const call = app.clients.auth.getRemainingBackupCodes({}, asOwner());
    expect((await refusalOf(call)).reason).toBe('TWO_FACTOR_NOT_ENABLED');
  });
});

describe('replacing the backup codes', () => {
  test('makes ten others, and the old ones are void', async () => {
    const { secret, backupCodes } = await turnOnTwoFactor(app, owner);
    const fresh = await app.clients.auth.regenerateBackupCodes(
      { token: codeOf(secret) },
      asOwner(),
    );
    expect(fresh.backupCodes).toHaveLength(10);
    expect(fresh.backupCodes).not.toEqual(expect.arrayContaining([backupCodes[0]]));
    const token = backupCodes[1] ?? '';
    const old = await refusalOf(app.clients.auth.disableTwoFactor({ token }, asOwner()));
    expect(old.reason).toBe('TWO_FACTOR_CODE_WRONG');
    expect((await toldOfFactor(app, owner.userId)).at(-1)).toContain('codes_replaced');
    const again = { token: fresh.backupCodes[1] ?? '' };
    const newest = await app.clients.auth.regenerateBackupCodes(again, asOwner());
    expect(await remaining()).toBe(10);
    await app.clients.auth.disableTwoFactor({ token: newest.backupCodes[9] ?? '' }, asOwner());
  });

  test('does not use a code up that did not pay for it', async () => {
    const { secret } = await turnOnTwoFactor(app, owner);
    await app.clients.auth.regenerateBackupCodes({ token: codeOf(secret) }, asOwner());
    const again = { token: codeOf(secret) };
    const refusal = await refusalOf(app.clients.auth.regenerateBackupCodes(again, asOwner()));
    expect(refusal.reason).toBe('TWO_FACTOR_CODE_WRONG');
    await freshenCodes(app, owner.userId);
    await app.clients.auth.regenerateBackupCodes({ token: codeOf(secret) }, asOwner());
  });
});

function asOwner() {
  return bearer(owner.accessToken);
}

function status() {
  return app.clients.auth.getTwoFactorStatus({}, asOwner());
}

async function remaining(): Promise<number> {
  return (await app.clients.auth.getRemainingBackupCodes({}, asOwner())).remaining;
}
