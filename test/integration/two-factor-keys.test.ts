import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { registerPerson } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import {
  codeOf,
  freshenCodes,
  registerTwoFactorPerson,
  turnOnTwoFactor,
} from '../support/two-factor-person.ts';

const newKey = (kid: string) => `${kid}:${randomBytes(32).toString('base64')}`;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('a stored second factor', () => {
  test('can be read neither while it is pending nor when it is on', async () => {
    const person = await registerPerson(app);
    const { secret } = await app.clients.auth.setUpTwoFactor({}, bearer(person.accessToken));
    const pending = await everything(person);
    expect(pending).not.toContain(secret);
    expect(pending).toContain('"pending_secret":{');
    const token = codeOf(secret);
    const { backupCodes } = await app.clients.auth.enableTwoFactor(
      { token },
      bearer(person.accessToken),
    );
    const stored = await everything(person);
    expect(stored).not.toContain(secret);
    expect(stored).toMatch(/"two_factor_secret":{[^}]*"ciphertext"/);
    for (const code of backupCodes) {
      const plain = code.replaceAll('-', '');
      expect(stored).not.toContain(plain);
      expect(stored).not.toContain(plain.slice(1));
    }
    for (const line of app.logs) expect(line).not.toContain(secret);
  });

  test('does not open for another account', async () => {
    const victim = await registerTwoFactorPerson(app);
    const thief = await registerTwoFactorPerson(app);
    await app.sql(
      `UPDATE users_auth SET two_factor_secret =
         (SELECT two_factor_secret FROM users_auth WHERE id = $1) WHERE id = $2`,
      [thief.userId, victim.userId],
    );
    const token = codeOf(thief.secret);
    const call = app.clients.auth.disableTwoFactor({ token }, bearer(victim.accessToken));
    expect((await refusalOf(call)).reason).toBe('INTERNAL');
  });

  test('is sealed under the newest key when it is used', async () => {
    const person = await registerTwoFactorPerson(app);
    const keys = `${newKey('newest')},${app.settings['KEY_ENCRYPTION_KEYS'] ?? ''}`;
    const rotated = await app.replica({ KEY_ENCRYPTION_KEYS: keys });
    expect(await keyOf(person)).toBe('test');
    const wrong = { token: codeOf(person.secret, -20) };
    const { auth } = rotated.clients;
    await refusalOf(auth.disableTwoFactor(wrong, bearer(person.accessToken)));
    expect(await keyOf(person)).toBe('newest');
    await freshenCodes(app, person.userId);
    const token = codeOf(person.secret);
    await auth.regenerateBackupCodes({ token }, bearer(person.accessToken));
    const onlyNewest = await app.replica({ KEY_ENCRYPTION_KEYS: keys.split(',').reverse().join() });
    await freshenCodes(app, person.userId);
    await onlyNewest.clients.auth.disableTwoFactor({ token }, bearer(person.accessToken));
    await onlyNewest.stop();
    await rotated.stop();
  });

  test('that is pending is sealed under the newest key when it is turned on', async () => {
    const person = await registerPerson(app);
    const { secret } = await app.clients.auth.setUpTwoFactor({}, bearer(person.accessToken));
    const keys = `${newKey('newest')},${app.settings['KEY_ENCRYPTION_KEYS'] ?? ''}`;
    const rotated = await app.replica({ KEY_ENCRYPTION_KEYS: keys });
    const token = codeOf(secret);
    await rotated.clients.auth.enableTwoFactor({ token }, bearer(person.accessToken));
    expect(await keyOf(person)).toBe('newest');
    await rotated.stop();
  });
});

describe('the pepper of backup codes', () => {
  test('can be rotated, and not be dropped while a code names it', async () => {
    const trial = await startApp();
    const person = await registerPerson(trial);
    const { backupCodes } = await turnOnTwoFactor(trial, person);
    const dropped = trial.replica({ CODE_PEPPERS: newKey('newest') });
    await expect(dropped).rejects.toThrow('CODE_PEPPERS lacks test, which backup codes name');
    const peppers = `${newKey('newest')},${trial.settings['CODE_PEPPERS'] ?? ''}`;
    const rotated = await trial.replica({ CODE_PEPPERS: peppers });
    const { auth } = rotated.clients;
    const fresh = await auth.regenerateBackupCodes(
      { token: backupCodes[3] ?? '' },
      bearer(person.accessToken),
    );
    expect(fresh.backupCodes).toHaveLength(10);
    const [newest = ''] = peppers.split(',');
    const alone = await trial.replica({ CODE_PEPPERS: newest });
    await alone.clients.auth.disableTwoFactor(
      { token: fresh.backupCodes[0] ?? '' },
      bearer(person.accessToken),
    );
    for (const running of [alone, rotated, trial]) await running.stop();
  });
});

async function keyOf(person: SignedIn): Promise<string | undefined> {
  const [row] = await app.sql<{ kid: string }>(
    `SELECT two_factor_secret->>'kid' AS kid FROM users_auth WHERE id = $1`,
    [person.userId],
  );
  return row?.kid;
}

/** Every row about the account that could hold a secret. */
async function everything({ userId }: SignedIn): Promise<string> {
  const [row] = await app.sql<{ rows: string }>(
    `SELECT json_build_object(
              'account', (SELECT to_json(u) FROM users_auth u WHERE id = $1),
              'state', (SELECT to_json(s) FROM two_factor_states s WHERE user_id = $1),
              'codes', (SELECT json_agg(c) FROM backup_codes c WHERE user_id = $1),
              'audit', (SELECT json_agg(a) FROM audit_events a WHERE account_id = $1),
              'outbox', (SELECT json_agg(encode(o.payload, 'escape')) FROM outbox o
                          WHERE account_id = $1))::text AS rows`,
    [userId],
  );
  return row?.rows ?? '';
}
