import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import jsQR from 'jsqr';
import { TOTP, URI } from 'otpauth';
import { PNG } from 'pngjs';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import {
  codeOf,
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

describe('setting up a second factor', () => {
  test('needs a bearer', async () => {
    for (const call of [
      () => app.clients.auth.setUpTwoFactor({}),
      () => app.clients.auth.enableTwoFactor({ token: '123456' }),
      () => app.clients.auth.disableTwoFactor({ token: '123456' }),
      () => app.clients.auth.regenerateBackupCodes({ token: '123456' }),
      () => app.clients.auth.getTwoFactorStatus({}),
      () => app.clients.auth.getRemainingBackupCodes({}),
    ]) {
      expect((await refusalOf(call())).reason).toBe('TOKEN_MISSING');
    }
  });

  test('gives a secret that authenticator apps read, as text, URI and picture', async () => {
    const { secret, otpauthUri, qrCodeUrl, expiresIn } = await setUp();
    expect(expiresIn).toBe(600);
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    const read = URI.parse(otpauthUri);
    expect(read).toBeInstanceOf(TOTP);
    expect(read).toMatchObject({ issuer: 'Whispr', algorithm: 'SHA1', digits: 6, period: 30 });
    expect(read.secret.base32).toBe(secret);
    expect(otpauthUri).not.toContain(owner.phone.slice(3, -2));
    expect(read.label).toBe(`+33***${owner.phone.slice(-2)}`);
    expect(textOfQr(qrCodeUrl)).toBe(otpauthUri);
  });

  test('counts for nothing until the app’s code proves it', async () => {
    await setUp();
    expect(await status()).toMatchObject({ enabled: false, refusing: false });
    expect(await status()).not.toHaveProperty('enableTime', expect.anything());
    const flags = 'SELECT two_factor_enabled, two_factor_secret FROM users_auth WHERE id = $1';
    expect(await app.sql(flags, [owner.userId])).toEqual([
      { two_factor_enabled: false, two_factor_secret: null },
    ]);
    await signIn(app, owner.phone);
  });

  test('again replaces the secret, and tells the devices once', async () => {
    const first = await setUp();
    const second = await setUp();
    expect(second.secret).not.toBe(first.secret);
    expect((await enable(codeOf(first.secret))).reason).toBe('TWO_FACTOR_CODE_WRONG');
    await app.clients.auth.enableTwoFactor({ token: codeOf(second.secret) }, asOwner());
    expect(await toldOfFactor(app, owner.userId)).toHaveLength(2);
    expect(await audited()).toEqual([
      'two_factor.set_up',
      'two_factor.set_up',
      'two_factor.code_wrong',
      'two_factor.enabled',
    ]);
  });

  test('is for sessions that are not held back', async () => {
    const junior = await signIn(app, owner.phone);
    const as = bearer(junior.accessToken);
    for (const call of [
      () => app.clients.auth.setUpTwoFactor({}, as),
      () => app.clients.auth.enableTwoFactor({ token: '123456' }, as),
      () => app.clients.auth.disableTwoFactor({ token: '123456' }, as),
      () => app.clients.auth.regenerateBackupCodes({ token: '123456' }, as),
    ]) {
      expect(await refusalOf(call())).toMatchObject({ reason: 'STEP_UP_REQUIRED', code: 7 });
    }
    await app.sql('UPDATE sessions SET stepped_up_at = now() WHERE id = $1', [junior.sessionId]);
    await app.clients.auth.setUpTwoFactor({}, as);
  });

  test('lasts ten minutes, and is missing before and after', async () => {
    expect((await enable('123456')).reason).toBe('TWO_FACTOR_SETUP_MISSING');
    const { secret } = await setUp();
    await app.sql(
      `UPDATE two_factor_states SET pending_since = now() - interval '10 minutes' WHERE user_id = $1`,
      [owner.userId],
    );
    const refusal = await enable(codeOf(secret));
    expect(refusal).toMatchObject({ reason: 'TWO_FACTOR_SETUP_MISSING', code: 9 });
  });
});

describe('turning it on', () => {
  test('answers ten backup codes, tells the devices and keeps the sessions', async () => {
    const { secret } = await setUp();
    const { backupCodes } = await app.clients.auth.enableTwoFactor(
      { token: codeOf(secret) },
      asOwner(),
    );
    expect(backupCodes).toHaveLength(10);
    for (const [slot, code] of backupCodes.entries()) {
      expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
      expect(code.startsWith(String(slot))).toBe(true);
    }
    const { enabled, enableTime } = await status();
    expect(enabled).toBe(true);
    expect(Math.abs(Number(enableTime?.seconds) - Date.now() / 1000)).toBeLessThan(10);
    expect(await remaining()).toBe(10);
    expect(
      (await toldOfFactor(app, owner.userId)).map((payload) => /set_up|enabled/.exec(payload)?.[0]),
    ).toEqual(['set_up', 'enabled']);
  });

  test('takes the code of older clients, with blanks, and wants one of the two', async () => {
    const { secret } = await setUp();
    const empty = await refusalOf(app.clients.auth.enableTwoFactor({}, asOwner()));
    expect(empty).toMatchObject({ reason: 'VALIDATION_FAILED', code: 3, fields: ['token'] });
    const code = codeOf(secret);
    const typed = `${code.slice(0, 3)} ${code.slice(3)}`;
    await app.clients.auth.enableTwoFactor({ code: typed }, asOwner());
  });

  test('burns the step of its code', async () => {
    const { secret } = await setUp();
    const token = codeOf(secret);
    await app.clients.auth.enableTwoFactor({ token }, asOwner());
    const again = await refusalOf(app.clients.auth.disableTwoFactor({ token }, asOwner()));
    expect(again.reason).toBe('TWO_FACTOR_CODE_WRONG');
  });

  test('is refused while it is on, and so is setting up', async () => {
    const { secret } = await turnOnTwoFactor(app, owner);
    expect((await enable(codeOf(secret))).reason).toBe('TWO_FACTOR_ALREADY_ENABLED');
    const again = await refusalOf(app.clients.auth.setUpTwoFactor({}, asOwner()));
    expect(again).toMatchObject({ reason: 'TWO_FACTOR_ALREADY_ENABLED', code: 9 });
  });

  test('locks after five wrong codes', async () => {
    const { secret } = await setUp();
    for (let miss = 1; miss <= 5; miss += 1) {
      expect((await enable(wrongCodeFor(secret))).reason).toBe('TWO_FACTOR_CODE_WRONG');
    }
    const locked = await enable(codeOf(secret));
    expect(locked).toMatchObject({ reason: 'TWO_FACTOR_LOCKED', code: 8 });
    expect((await status()).enabled).toBe(false);
  });
});

function asOwner() {
  return bearer(owner.accessToken);
}

function setUp() {
  return app.clients.auth.setUpTwoFactor({}, asOwner());
}

function enable(token: string) {
  return refusalOf(app.clients.auth.enableTwoFactor({ token }, asOwner()));
}

function status() {
  return app.clients.auth.getTwoFactorStatus({}, asOwner());
}

async function remaining(): Promise<number> {
  return (await app.clients.auth.getRemainingBackupCodes({}, asOwner())).remaining;
}

async function audited(): Promise<string[]> {
  const rows = await app.sql<{ type: string }>(
    `SELECT type FROM audit_events WHERE account_id = $1 AND type LIKE 'two_factor.%'
      ORDER BY created_at`,
    [owner.userId],
  );
  return rows.map(({ type }) => type);
}

function textOfQr(url: string): string | undefined {
  const [, base64 = ''] = url.split('data:image/png;base64,');
  const { data, width, height } = PNG.sync.read(Buffer.from(base64, 'base64'));
  return jsQR.default(new Uint8ClampedArray(data), width, height)?.data;
}
