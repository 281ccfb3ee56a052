import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { codeOf, turnOnTwoFactor } from '../support/two-factor-person.ts';
import { newNumber } from '../support/person.ts';
import { DeployedApp, fieldOf, reasonOf, textOf } from './deployed-app.ts';
import type { Kept } from './deployed-app.ts';
import { expectGolden } from './golden.ts';
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

describe('an account over REST', () => {
  it('is told to its owner with the number masked', async () => {
    const answer = await own('GET', '/account');
    expectGolden('account', answer);
    expect(answer.text).not.toContain(phone.phone);
    expect(fieldOf(answer.json, 'userId')).toBe(kept.userId);
  });

  it('gets another number after both are proven', async () => {
    const requested = await own('POST', '/account/number/old/request');
    expectGolden('account-number-request', requested);
    const oldNumberVerificationId = textOf(requested, 'verificationId');
    const proof = { verificationId: oldNumberVerificationId, code: phone.newestCode() };
    expectGolden('account-number-confirm', await own('POST', '/account/number/old/confirm', proof));
    const newNumberVerificationId = await proveNew(newNumber());
    const change = { newNumberVerificationId, oldNumberVerificationId };
    expectGolden('account-number-change', await own('POST', '/account/number/change', change));
    expect((await own('GET', '/account')).status).toBe(200);
  });

  it('lifts the refusal of its number, whether there is one or not', async () => {
    const answer = await own('POST', '/account/number/lift-refusal');
    expectGolden('account-number-lift-refusal', answer);
  });

  it('is deleted for good', async () => {
    expectGolden('account-delete', await own('POST', '/account/delete'));
    const refused = await own('GET', '/account');
    expect([refused.status, reasonOf(refused)]).toEqual([401, 'SESSION_REVOKED']);
    const again = await phone.enter('register', await phone.prove('register'));
    expect(textOf(again, 'userId')).not.toBe(kept.userId);
  });
});

describe('a lockdown over REST', () => {
  it('ends every session, and ends by number and second factor', async () => {
    const { secret } = await turnOnTwoFactor(rest.app, kept);
    expectGolden('account-lockdown', await own('POST', '/account/lockdown'));
    const json = { verificationId: await phone.prove('login'), token: codeOf(secret) };
    const refused = await phone.enter('login', json.verificationId);
    expect([refused.status, reasonOf(refused)]).toEqual([403, 'ACCOUNT_LOCKED_DOWN']);
    const lifted = await phone.call('POST', '/account/lockdown/lift', { json });
    expectGolden('account-lockdown-lift', lifted);
    const login = await phone.enter('login', json.verificationId);
    expect([login.status, reasonOf(login)]).toEqual([403, 'TWO_FACTOR_REQUIRED']);
  });
});

describe('a recovery over REST', () => {
  beforeEach(async () => {
    await turnOnTwoFactor(rest.app, kept);
  });

  it('is announced, seen in the account and cancelled from any device', async () => {
    const started = await start();
    expectGolden('account-recovery', started);
    expectGolden('account-in-recovery', await own('GET', '/account'));
    const json = { recoveryId: textOf(started, 'recoveryId') };
    expectGolden('account-recovery-cancel', await own('POST', '/account/recovery/cancel', json));
    expect(fieldOf((await own('GET', '/account')).json, 'recovery')).toBeUndefined();
  });

  it('opens the account by its number alone when the wait is over', async () => {
    const recoveryId = textOf(await start(), 'recoveryId');
    await rest.app.sql(
      `UPDATE recoveries SET created_at = created_at - interval '8 days',
              ready_at = ready_at - interval '8 days' WHERE id = $1`,
      [recoveryId],
    );
    const verificationId = await phone.prove('login');
    const json = { recoveryId, verificationId };
    const completed = await phone.call('POST', '/account/recovery/complete', { json });
    expectGolden('account-recovery-complete', completed);
    expect(textOf(await phone.enter('login', verificationId), 'userId')).toBe(kept.userId);
  });
});

function own(method: string, path: string, json?: unknown): Promise<Answer> {
  return phone.call(method, path, { json, token: kept.accessToken });
}

async function proveNew(phoneNumber: string): Promise<string> {
  const requested = await own('POST', '/account/number/new/request', { phoneNumber });
  const verificationId = textOf(requested, 'verificationId');
  const code = rest.app.inbox.codeFor(phoneNumber);
  await own('POST', '/account/number/new/confirm', { verificationId, code });
  return verificationId;
}

async function start(): Promise<Answer> {
  const json = { verificationId: await phone.prove('login') };
  return phone.call('POST', '/account/recovery', { json });
}
