import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { DeviceLimitSchema } from '../../gen/whispr/device/v1/device_pb.ts';
import { Database } from '../../src/platform/postgres.ts';
import { deleteOldChallenges } from '../../src/sign-in/store-challenge.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { connectionAs } from '../support/postgres.ts';
import {
  challengeIn,
  challengeOf,
  codeOf,
  freshenCodes,
  refusedLogin,
  registerTwoFactorPerson,
  wrongCodeFor,
} from '../support/two-factor-person.ts';
import type { TwoFactorPerson } from '../support/two-factor-person.ts';

let app: TestApp;
let owner: TwoFactorPerson;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());
beforeEach(async () => {
  owner = await registerTwoFactorPerson(app);
});

describe('a challenge', () => {
  test('is over after five tries, for the right code too', async () => {
    const challenge = await challengeOf(app, owner.phone);
    for (let count = 1; count <= 5; count += 1) {
      const { reason } = await refusalOf(verify(challenge, wrongCodeFor(owner.secret)));
      expect(reason).toBe('TWO_FACTOR_CODE_WRONG');
    }
    await freshenCodes(app, owner.userId);
    const refusal = await refusalOf(verify(challenge, codeOf(owner.secret)));
    expect(refusal).toMatchObject({ reason: 'CHALLENGE_INVALID', code: 9 });
  });

  test('is good once, for ten minutes, and only if it was made here', async () => {
    const used = await challengeOf(app, owner.phone);
    await verify(used, codeOf(owner.secret));
    await freshenCodes(app, owner.userId);
    const late = await challengeOf(app, owner.phone);
    await app.sql(
      `UPDATE two_factor_challenges SET expires_at = now() WHERE user_id = $1 AND ended_at IS NULL`,
      [owner.userId],
    );
    const invented = randomBytes(32).toString('base64url');
    for (const challenge of [used, late, invented, 'not a challenge']) {
      const refusal = await refusalOf(verify(challenge, codeOf(owner.secret)));
      expect(refusal.reason).toBe('CHALLENGE_INVALID');
    }
  });

  test('is no bearer token, and none is good beside it', async () => {
    const challenge = await challengeOf(app, owner.phone);
    const { auth, device } = app.clients;
    const asBearer = await refusalOf(device.listDevices({}, bearer(challenge)));
    expect(asBearer).toMatchObject({ reason: 'TOKEN_INVALID', code: 16 });
    const token = codeOf(owner.secret);
    const stepUp = await refusalOf(auth.verifyTwoFactor({ token }, bearer(challenge)));
    expect(stepUp.reason).toBe('TOKEN_INVALID');
    const both = await refusalOf(
      auth.verifyTwoFactor({ challenge, token }, bearer(owner.accessToken)),
    );
    expect(both).toMatchObject({ reason: 'VALIDATION_FAILED', code: 3, fields: ['challenge'] });
    const backup = { challenge, token: owner.backupCodes[0] ?? '' };
    const alsoBoth = await refusalOf(auth.useBackupCode(backup, bearer(owner.accessToken)));
    expect(alsoBoth.reason).toBe('VALIDATION_FAILED');
    const neither = await refusalOf(auth.verifyTwoFactor({ token }));
    expect(neither).toMatchObject({ reason: 'TOKEN_MISSING', code: 16 });
    await verify(challenge, token);
  });

  test('needs a code, and an empty one is not counted', async () => {
    const challenge = await challengeOf(app, owner.phone);
    for (let count = 1; count <= 6; count += 1) {
      const refusal = await refusalOf(verify(challenge, ''));
      expect(refusal).toMatchObject({ reason: 'VALIDATION_FAILED', fields: ['token'] });
    }
    await verify(challenge, codeOf(owner.secret));
  });

  test('opens nothing once the account is locked down, and uses no code up', async () => {
    const challenge = await challengeOf(app, owner.phone);
    await app.sql(
      `UPDATE users_auth SET locked_down_at = now(), locked_down_by = 'operator' WHERE id = $1`,
      [owner.userId],
    );
    const token = codeOf(owner.secret);
    const refusal = await refusalOf(verify(challenge, token));
    expect(refusal).toMatchObject({
      reason: 'ACCOUNT_LOCKED_DOWN',
      code: 7,
      metadata: { by: 'operator' },
    });
    expect(await lastHistory()).toMatchObject({ status: 'failure', reason: 'ACCOUNT_LOCKED_DOWN' });
    await app.sql(
      'UPDATE users_auth SET locked_down_at = NULL, locked_down_by = NULL WHERE id = $1',
      [owner.userId],
    );
    await verify(challenge, token);
  });

  test('opens nothing once the number belongs to somebody else, or to nobody', async () => {
    const challenge = await challengeOf(app, owner.phone);
    await app.sql('UPDATE users_auth SET phone_number = NULL WHERE id = $1', [owner.userId]);
    const refusal = await refusalOf(verify(challenge, codeOf(owner.secret)));
    expect(refusal.reason).toBe('CHALLENGE_INVALID');
  });

  test('is forgotten an hour after its end', async () => {
    const { DB_PORT, DB_NAME = '' } = app.settings;
    const pool = new pg.Pool(connectionAs('auth_app', Number(DB_PORT), DB_NAME));
    const db = new Database(pool, { prepared: true });
    await challengeOf(app, owner.phone);
    for (const [minutes, left] of [
      [59, 1],
      [61, 0],
    ]) {
      await app.sql(
        `UPDATE two_factor_challenges SET expires_at = now() - make_interval(mins => $2)
          WHERE user_id = $1`,
        [owner.userId, minutes],
      );
      await deleteOldChallenges(db);
      const rows = await app.sql('SELECT id FROM two_factor_challenges WHERE user_id = $1', [
        owner.userId,
      ]);
      expect(rows).toHaveLength(left ?? 0);
    }
    await pool.end();
  });

  test('opens nothing once the factor is off: the login starts again', async () => {
    const challenge = await challengeOf(app, owner.phone);
    const token = owner.backupCodes[0] ?? '';
    await app.clients.auth.disableTwoFactor({ token }, bearer(owner.accessToken));
    const refusal = await refusalOf(verify(challenge, codeOf(owner.secret)));
    expect(refusal).toMatchObject({ reason: 'TWO_FACTOR_NOT_ENABLED', code: 9 });
  });
});

describe('an account whose authenticator codes are refused after 100 misses', () => {
  test('opens by a backup code only, which ends the refusal', async () => {
    await app.sql('UPDATE two_factor_states SET misses = 100 WHERE user_id = $1', [owner.userId]);
    const challenge = await challengeOf(app, owner.phone);
    const code = codeOf(owner.secret);
    const refusal = await refusalOf(verify(challenge, code));
    expect(refusal).toMatchObject({ reason: 'TWO_FACTOR_REFUSING', code: 9 });
    const token = owner.backupCodes[9] ?? '';
    await app.clients.auth.useBackupCode({ challenge, token });
    await verify(await challengeOf(app, owner.phone), code);
  });
});

describe('the device cap of an account with a second factor', () => {
  test('shows the devices only after the factor, and takes its code once', async () => {
    await fillDevices();
    const refused = await refusedLogin(app, owner.phone);
    expect(refused.reason).toBe('TWO_FACTOR_REQUIRED');
    expect(refused.error.findDetails(DeviceLimitSchema)).toEqual([]);
    const { challenge } = challengeIn(refused);
    await freshenCodes(app, owner.userId);
    const token = codeOf(owner.secret);
    const full = await refusalOf(verify(challenge, token));
    expect(full).toMatchObject({ reason: 'DEVICE_LIMIT', code: 9 });
    expect(full.error.findDetails(DeviceLimitSchema)[0]?.devices).toHaveLength(10);
    const replaceDeviceId = owner.deviceId;
    const early = await refusalOf(verify(challenge, '', replaceDeviceId));
    expect(early.reason).toBe('DEVICE_NOT_REPLACEABLE');
    const unknown = await refusalOf(verify(challenge, '', randomUUID()));
    expect(unknown.reason).toBe('DEVICE_NOT_FOUND');
    const other = await challengeOf(app, owner.phone);
    expect((await refusalOf(verify(other, token))).reason).toBe('TWO_FACTOR_CODE_WRONG');
    await letRest(owner.deviceId);
    const answer = await verify(challenge, '', replaceDeviceId);
    expect(answer.userId).toBe(owner.userId);
    const replaced = app.clients.device.listDevices({}, bearer(owner.accessToken));
    expect((await refusalOf(replaced)).reason).toBe('SESSION_REVOKED');
    expect((await refusalOf(verify(challenge, '', replaceDeviceId))).reason).toBe(
      'CHALLENGE_INVALID',
    );
  });

  test('takes a backup code once as well', async () => {
    await fillDevices();
    const challenge = await challengeOf(app, owner.phone);
    const token = owner.backupCodes[0] ?? '';
    const full = await refusalOf(app.clients.auth.useBackupCode({ challenge, token }));
    expect(full.reason).toBe('DEVICE_LIMIT');
    await letRest(owner.deviceId);
    const replaceDeviceId = owner.deviceId;
    const answer = await app.clients.auth.useBackupCode({ challenge, replaceDeviceId });
    expect(answer).toMatchObject({ valid: true, remaining: 9, userId: owner.userId });
  });
});

function verify(challenge: string, token: string, replaceDeviceId?: string) {
  return app.clients.auth.verifyTwoFactor({ challenge, token, replaceDeviceId });
}

/** Nine further devices with a living session, so that the account has ten. */
async function fillDevices(): Promise<void> {
  await app.sql(
    `WITH added AS (
       INSERT INTO devices (user_id, id, device_name, device_type, device_fingerprint)
       SELECT $1, id, 'Further device', 'web', id::text
         FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 9)) AS given
       RETURNING user_id, id)
     INSERT INTO sessions (id, user_id, device_id, amr, acr, ip_prefix, idle_expires_at,
                           absolute_expires_at)
     SELECT gen_random_uuid(), user_id, id, '{sms,otp}', 'mfa', '198.51.100.0/24',
            now() + interval '30 days', now() + interval '180 days' FROM added`,
    [owner.userId],
  );
}

/** As if the device had not been used for eight days. */
async function letRest(deviceId: string): Promise<void> {
  await app.sql(
    `UPDATE sessions SET last_seen_at = now() - interval '8 days' WHERE device_id = $1`,
    [deviceId],
  );
  await app.sql(`UPDATE devices SET last_active = now() - interval '8 days' WHERE id = $1`, [
    deviceId,
  ]);
}

async function lastHistory(): Promise<unknown> {
  const [row] = await app.sql(
    `SELECT status, reason, device_id AS device FROM login_history
      WHERE user_id = $1 ORDER BY id DESC LIMIT 1`,
    [owner.userId],
  );
  return row;
}
