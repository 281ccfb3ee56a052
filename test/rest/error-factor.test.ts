import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { codeOf, turnOnTwoFactor, wrongCodeFor } from '../support/two-factor-person.ts';
import { DeployedApp, reasonOf } from './deployed-app.ts';
import type { Kept } from './deployed-app.ts';
import { expectError } from './golden.ts';
import type { Answer } from './request.ts';
import { startRest } from './rest.ts';
import type { Rest } from './rest.ts';

const REFUSING_MISSES = 20;
let rest: Rest;
let phone: DeployedApp;
let kept: Kept;

beforeAll(async () => {
  rest = await startRest({
    TWO_FACTOR_REFUSING_MISSES: String(REFUSING_MISSES),
    TWO_FACTOR_BCRYPT_QUEUE_LENGTH: '16',
  });
});
afterAll(async () => {
  await rest.stop();
});
beforeEach(async () => {
  phone = new DeployedApp(rest);
  kept = await phone.signIn('register');
});

describe('errors over REST: without a second factor', () => {
  it('TWO_FACTOR_NOT_ENABLED for whatever needs one', async () => {
    for (const path of ['/disable', '/backup-codes', '/backup-codes/regenerate', '/verify']) {
      expectError('TWO_FACTOR_NOT_ENABLED', await post(path, { token: '123456' }));
    }
    const answer = await post('/backup-codes/use', { token: '3K7Q-9XWM-2FTB-64HC' });
    expectError('TWO_FACTOR_NOT_ENABLED', answer);
  });

  it('TWO_FACTOR_SETUP_MISSING for a code before any setup', async () => {
    expectError('TWO_FACTOR_SETUP_MISSING', await post('/enable', { token: '123456' }));
  });
});

describe('errors over REST: with a second factor', () => {
  it('TWO_FACTOR_ALREADY_ENABLED for a second setup, and for enabling again', async () => {
    const { secret } = await turnOnTwoFactor(rest.app, kept);
    expectError('TWO_FACTOR_ALREADY_ENABLED', await post('/setup'));
    expectError('TWO_FACTOR_ALREADY_ENABLED', await post('/enable', { token: codeOf(secret) }));
  });

  it('TWO_FACTOR_LOCKED with Retry-After after five misses, also for the right code', async () => {
    const { secret } = await turnOnTwoFactor(rest.app, kept);
    const token = wrongCodeFor(secret);
    for (let count = 1; count <= 5; count += 1) {
      const answer = await post('/disable', { token });
      expect([answer.status, reasonOf(answer)]).toEqual([400, 'TWO_FACTOR_CODE_WRONG']);
    }
    const answer = await post('/disable', { token: codeOf(secret) });
    expectError('TWO_FACTOR_LOCKED', answer);
    expect(answer.status).toBe(429);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(14 * 60);
  });

  it('TWO_FACTOR_REFUSING after too many misses in a row; a backup code still works', async () => {
    const { secret, backupCodes } = await turnOnTwoFactor(rest.app, kept);
    await rest.app.sql(
      `UPDATE two_factor_states SET misses = $2, refusing_since = now() WHERE user_id = $1`,
      [kept.userId, REFUSING_MISSES],
    );
    expectError('TWO_FACTOR_REFUSING', await post('/disable', { token: codeOf(secret) }));
    const answer = await post('/disable', { token: backupCodes[0] });
    expect([answer.status, answer.json]).toEqual([200, {}]);
  });

  it('OVERLOADED with Retry-After when too much waits to be hashed, and no try is lost', async () => {
    const { secret } = await turnOnTwoFactor(rest.app, kept);
    const token = codeOf(secret);
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => post('/backup-codes', { token })),
    );
    const refused = answers.filter((answer) => reasonOf(answer) === 'OVERLOADED');
    expect(refused.length).toBeGreaterThanOrEqual(1);
    for (const answer of refused) expectError('OVERLOADED', answer);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });
});

/** As the app sends it: without a body, the content type says JSON all the same. */
function post(path: string, json?: unknown): Promise<Answer> {
  return phone.call('POST', `/2fa${path}`, { json, token: kept.accessToken });
}
