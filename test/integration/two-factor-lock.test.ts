import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, countReasons, refusalOf, settle } from '../support/client.ts';
import type { Refusal } from '../support/client.ts';
import { codeOf, registerTwoFactorPerson, wrongCodeFor } from '../support/two-factor-person.ts';
import type { TwoFactorPerson } from '../support/two-factor-person.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const UNKNOWN_CODE = '3K7Q-9XWM-2FTB-64HC';
let app: TestApp;
let owner: TwoFactorPerson;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());
beforeEach(async () => {
  owner = await registerTwoFactorPerson(app);
});

describe('wrong codes', () => {
  test('lock after five for 15 minutes, then for an hour, then for a day each', async () => {
    for (const lockMs of [15 * MINUTE_MS, HOUR_MS, 24 * HOUR_MS, 24 * HOUR_MS]) {
      for (let miss = 1; miss <= 5; miss += 1) {
        expect((await give(wrongCodeFor(owner.secret))).reason).toBe('TWO_FACTOR_CODE_WRONG');
      }
      const locked = await give(codeOf(owner.secret));
      expect(locked).toMatchObject({ reason: 'TWO_FACTOR_LOCKED', code: 8 });
      expect(Math.abs((locked.retryDelayMs ?? 0) - lockMs)).toBeLessThan(10_000);
      await endLock();
    }
    await disable(codeOf(owner.secret));
  });

  test('of both kinds are counted together, and a lock is for both', async () => {
    const codes = [wrongCodeFor(owner.secret), UNKNOWN_CODE, 'nonsense', '12345', UNKNOWN_CODE];
    for (const code of codes) expect((await give(code)).reason).toBe('TWO_FACTOR_CODE_WRONG');
    for (const code of [codeOf(owner.secret), owner.backupCodes[0] ?? '']) {
      expect((await give(code)).reason).toBe('TWO_FACTOR_LOCKED');
    }
  });

  test('are forgotten after a right one', async () => {
    for (let miss = 1; miss <= 4; miss += 1) await give(wrongCodeFor(owner.secret));
    await regenerate(codeOf(owner.secret));
    expect(await state()).toMatchObject({ misses: 0, locked_until: null });
    for (let miss = 1; miss <= 4; miss += 1) await give(wrongCodeFor(owner.secret));
    await disable(owner.backupCodes[0] ?? '').catch(() => undefined);
    expect((await state())?.misses).toBe(5);
  });

  test('leave an audit row each, and none while locked', async () => {
    for (let miss = 1; miss <= 8; miss += 1) await give(wrongCodeFor(owner.secret));
    const rows = await app.sql(
      `SELECT reason, actor, details FROM audit_events
        WHERE account_id = $1 AND type = 'two_factor.code_wrong'`,
      [owner.userId],
    );
    expect(rows).toHaveLength(5);
    expect(rows[0]).toEqual({
      reason: 'TWO_FACTOR_CODE_WRONG',
      actor: 'anonymous',
      details: { method: 'totp' },
    });
  });
});

describe('a hundred misses in a row', () => {
  beforeEach(async () => {
    await app.sql('UPDATE two_factor_states SET misses = 99 WHERE user_id = $1', [owner.userId]);
    expect((await give(wrongCodeFor(owner.secret))).reason).toBe('TWO_FACTOR_CODE_WRONG');
  });

  test('refuse authenticator codes, tell the owner once and turn nothing off', async () => {
    for (let again = 1; again <= 3; again += 1) {
      const refusal = await give(codeOf(owner.secret));
      expect(refusal).toMatchObject({ reason: 'TWO_FACTOR_REFUSING', code: 9 });
      await endLock();
    }
    const status = await app.clients.auth.getTwoFactorStatus({}, bearer(owner.accessToken));
    expect(status).toMatchObject({ enabled: true, refusing: true });
    expect(await refusalsTold()).toEqual({ audit: 1, outbox: 1 });
    const flag = 'SELECT two_factor_enabled AS on FROM users_auth WHERE id = $1';
    expect(await app.sql(flag, [owner.userId])).toEqual([{ on: true }]);
  });

  test('leave backup codes, once the lock is over, and one of them ends the refusal', async () => {
    const [first = '', second = ''] = owner.backupCodes;
    expect((await give(first)).reason).toBe('TWO_FACTOR_LOCKED');
    await endLock();
    const [newest = ''] = await regenerate(second);
    expect(newest).not.toBe('');
    const status = await app.clients.auth.getTwoFactorStatus({}, bearer(owner.accessToken));
    expect(status).toMatchObject({ enabled: true, refusing: false });
    await disable(codeOf(owner.secret));
  });

  test('go on counting for backup codes, which stay locked for a day after each five', async () => {
    await endLock();
    for (let miss = 1; miss <= 5; miss += 1) {
      expect((await give(UNKNOWN_CODE)).reason).toBe('TWO_FACTOR_CODE_WRONG');
    }
    const locked = await give(owner.backupCodes[0] ?? '');
    expect(locked.reason).toBe('TWO_FACTOR_LOCKED');
    expect(locked.retryDelayMs ?? 0).toBeGreaterThan(23 * HOUR_MS);
    expect((await state())?.misses).toBe(105);
    expect(await refusalsTold()).toEqual({ audit: 1, outbox: 1 });
  });

  test('are told also when the process died between counting and telling', async () => {
    const forgotten = await registerTwoFactorPerson(app);
    await app.sql(
      `UPDATE two_factor_states SET misses = 100, locked_until = now() - interval '1 s'
        WHERE user_id = $1`,
      [forgotten.userId],
    );
    owner = forgotten;
    expect((await give(codeOf(owner.secret))).reason).toBe('TWO_FACTOR_REFUSING');
    expect((await give(codeOf(owner.secret))).reason).toBe('TWO_FACTOR_REFUSING');
    expect(await refusalsTold()).toEqual({ audit: 1, outbox: 1 });
  });
});

test('whoever is turned away by a full queue keeps the try', async () => {
  // Room for one set of ten, not for two.
  const small = await app.replica({
    TWO_FACTOR_BCRYPT_QUEUE_LENGTH: '16',
    TWO_FACTOR_BCRYPT_CONCURRENCY: '1',
  });
  const { auth } = small.clients;
  const people = [owner, await registerTwoFactorPerson(app)];
  const [first, second] = await Promise.all(
    people.map(async ({ secret, accessToken, userId }) => {
      const token = codeOf(secret);
      const call = () => auth.regenerateBackupCodes({ token }, bearer(accessToken));
      return { userId, call, outcome: await settle(call()) };
    }),
  );
  if (!first || !second) throw new Error('There were two callers');
  expect(countReasons([first.outcome, second.outcome])).toEqual({ OK: 1, OVERLOADED: 1 });
  const refused = first.outcome.status === 'ok' ? second : first;
  const misses = 'SELECT misses, locked_until FROM two_factor_states WHERE user_id = $1';
  expect(await app.sql(misses, [refused.userId])).toEqual([{ misses: 0, locked_until: null }]);
  await refused.call();
  await small.stop();
}, 60_000);

function disable(token: string) {
  return app.clients.auth.disableTwoFactor({ token }, bearer(owner.accessToken));
}

async function regenerate(token: string): Promise<string[]> {
  const as = bearer(owner.accessToken);
  const { backupCodes } = await app.clients.auth.regenerateBackupCodes({ token }, as);
  await app.sql('UPDATE two_factor_states SET last_step = 0 WHERE user_id = $1', [owner.userId]);
  return backupCodes;
}

function give(code: string): Promise<Refusal> {
  return refusalOf(disable(code));
}

/** As if the lock had run its time. */
async function endLock(): Promise<void> {
  await app.sql(
    `UPDATE two_factor_states SET locked_until = now() - interval '1 s' WHERE user_id = $1`,
    [owner.userId],
  );
}

async function state() {
  const [row] = await app.sql<{ misses: number; locked_until: Date | null }>(
    'SELECT misses, locked_until FROM two_factor_states WHERE user_id = $1',
    [owner.userId],
  );
  return row;
}

/** How often the owner was told that authenticator codes are refused. */
async function refusalsTold() {
  const [row] = await app.sql<{ audit: number; outbox: number }>(
    `SELECT (SELECT count(*)::int FROM audit_events
              WHERE account_id = $1 AND type = 'two_factor.refusing') AS audit,
            (SELECT count(*)::int FROM outbox WHERE account_id = $1 AND type = 'security'
                AND position('set_up' IN encode(payload, 'escape')) = 0
                AND position('enabled' IN encode(payload, 'escape')) = 0) AS outbox`,
    [owner.userId],
  );
  return row;
}
