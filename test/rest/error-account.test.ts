import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { proveNewNumber, proveOldNumber } from '../support/account.ts';
import { turnOnTwoFactor } from '../support/two-factor-person.ts';
import { DeployedApp, reasonOf, textOf } from './deployed-app.ts';
import type { Kept } from './deployed-app.ts';
import { expectError } from './golden.ts';
import type { Answer } from './request.ts';
import { startRest } from './rest.ts';
import type { Rest } from './rest.ts';

let rest: Rest;
let phone: DeployedApp;
let kept: Kept;

beforeAll(async () => {
  rest = await startRest({ VERIFICATION_COOLDOWN_SECONDS: '0' });
});
afterAll(async () => {
  await rest.stop();
});
beforeEach(async () => {
  phone = new DeployedApp(rest);
  kept = await phone.signIn('register');
});

describe('errors over REST: another number', () => {
  it('NUMBER_UNCHANGED for the account’s own', async () => {
    const answer = await post('/number/new/request', { phoneNumber: phone.phone });
    expectError('NUMBER_UNCHANGED', answer);
  });

  it('NUMBER_TAKEN after proof of a number that has an account', async () => {
    const other = new DeployedApp(rest);
    await other.signIn('register');
    const person = { ...kept, phone: phone.phone, sessionId: '' };
    const proven = await proveNewNumber(rest.app, person, other.phone);
    const answer = await post('/number/change', {
      newNumberVerificationId: proven.verificationId,
      oldNumberVerificationId: await proveOldNumber(rest.app, person),
    });
    expectError('NUMBER_TAKEN', answer);
  });
});

describe('errors over REST: recoveries', () => {
  it('RECOVERY_UNAVAILABLE for an account without second factor, and for a second one', async () => {
    expectError('RECOVERY_UNAVAILABLE', await recover());
    await turnOnTwoFactor(rest.app, kept);
    expect((await recover()).status).toBe(200);
    expectError('RECOVERY_UNAVAILABLE', await recover());
  });

  it('RECOVERY_NOT_FOUND for an unknown one and for somebody else’s', async () => {
    const stranger = new DeployedApp(rest);
    const theirs = await stranger.signIn('register');
    await turnOnTwoFactor(rest.app, theirs);
    const verification = { verificationId: await stranger.prove('login') };
    const started = await stranger.call('POST', '/account/recovery', { json: verification });
    const ids = [randomUUID(), textOf(started, 'recoveryId')];
    const verificationId = await phone.prove('login');
    for (const recoveryId of ids) {
      expectError('RECOVERY_NOT_FOUND', await post('/recovery/cancel', { recoveryId }));
      const completion = { recoveryId, verificationId };
      const answer = await phone.call('POST', '/account/recovery/complete', { json: completion });
      expectError('RECOVERY_NOT_FOUND', answer);
    }
  });

  it('RECOVERY_WAITING says from when on it can be completed', async () => {
    await turnOnTwoFactor(rest.app, kept);
    const recoveryId = textOf(await recover(), 'recoveryId');
    const json = { recoveryId, verificationId: await phone.prove('login') };
    const answer = await phone.call('POST', '/account/recovery/complete', { json });
    expectError('RECOVERY_WAITING', answer);
    expect(answer.text).toContain('"ready_at":"2');
  });
});

describe('errors over REST: lockdown', () => {
  it('LOCKDOWN_WAITING says from when on it can be lifted without second factor', async () => {
    await post('/lockdown');
    const answer = await lift();
    expectError('LOCKDOWN_WAITING', answer);
    expect(answer.text).toContain('"ready_at":"2');
  });

  it('TWO_FACTOR_REQUIRED without a challenge where a lockdown is lifted', async () => {
    await turnOnTwoFactor(rest.app, kept);
    await post('/lockdown');
    const answer = await lift();
    expect([answer.status, reasonOf(answer)]).toEqual([403, 'TWO_FACTOR_REQUIRED']);
    expect(answer.text).not.toContain('challenge');
  });

  it('ACCOUNT_LOCKED_DOWN by an operator stays, whatever is proven', async () => {
    await rest.app.sql(
      `UPDATE users_auth SET locked_down_at = now() - interval '2 days',
              locked_down_by = 'operator' WHERE id = $1`,
      [kept.userId],
    );
    for (const answer of [await lift(), await recover()]) {
      expect([answer.status, reasonOf(answer)]).toEqual([403, 'ACCOUNT_LOCKED_DOWN']);
      expect(answer.text).toContain('"by":"operator"');
    }
  });
});

function post(path: string, json?: unknown): Promise<Answer> {
  return phone.call('POST', `/account${path}`, { json, token: kept.accessToken });
}

/** Both need the number alone, as somebody who lost every device has it. */
async function recover(): Promise<Answer> {
  const json = { verificationId: await phone.prove('login') };
  return phone.call('POST', '/account/recovery', { json });
}

async function lift(): Promise<Answer> {
  const json = { verificationId: await phone.prove('login') };
  return phone.call('POST', '/account/lockdown/lift', { json });
}
