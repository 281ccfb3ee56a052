import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { letSleep } from '../support/dormant.ts';
import {
  codeOf,
  freshenCodes,
  turnOnTwoFactor,
  wrongCodeFor,
} from '../support/two-factor-person.ts';
import { DeployedApp, fieldOf, reasonOf, textOf } from './deployed-app.ts';
import type { Kept } from './deployed-app.ts';
import { expectGolden } from './golden.ts';
import type { Answer } from './request.ts';
import { startRest } from './rest.ts';
import type { Rest } from './rest.ts';

let rest: Rest;
/** The phone that turned the factor on, and what it keeps. */
let owner: DeployedApp;
let kept: Kept & { readonly secret: string; readonly backupCodes: readonly string[] };

beforeAll(async () => {
  rest = await startRest({ SESSION_DEVICE_CAP: '2', VERIFICATION_COOLDOWN_SECONDS: '0' });
});
afterAll(async () => {
  await rest.stop();
});
beforeEach(async () => {
  owner = new DeployedApp(rest);
  const tokens = await owner.signIn('register');
  kept = { ...tokens, ...(await turnOnTwoFactor(rest.app, tokens)) };
});

describe('a login with a second factor over REST', () => {
  it('is a 403 with a sentence and the challenge', async () => {
    const answer = await login(anotherPhone());
    expect(reasonOf(answer)).toBe('TWO_FACTOR_REQUIRED');
    expectGolden('error/TWO_FACTOR_REQUIRED', answer);
  });

  it('becomes tokens by an authenticator code', async () => {
    const phone = anotherPhone();
    const challenge = challengeOf(await login(phone));
    const answer = await verify({ challenge, token: codeOf(kept.secret), fingerprint: 'unknown' });
    expectGolden('two-factor-verify-challenge', answer);
    expect(textOf(answer, 'deviceId')).toBe(phone.deviceId);
    const token = textOf(answer, 'accessToken');
    expect((await phone.call('GET', '/device', { token })).status).toBe(200);
  });

  it('becomes tokens by a backup code', async () => {
    const challenge = challengeOf(await login(anotherPhone()));
    const json = { challenge, token: kept.backupCodes[0] };
    const answer = await owner.call('POST', '/2fa/backup-codes/use', { json });
    expectGolden('two-factor-backup-code-challenge', answer);
  });

  it('with a wrong code is a 400, which the app does not answer with a refresh', async () => {
    const challenge = challengeOf(await login(anotherPhone()));
    const answer = await verify({ challenge, token: wrongCodeFor(kept.secret) });
    expect(reasonOf(answer)).toBe('TWO_FACTOR_CODE_WRONG');
    expectGolden('error/TWO_FACTOR_CODE_WRONG', answer);
  });

  it('takes its challenge once, and neither as a bearer nor beside one', async () => {
    const challenge = challengeOf(await login(anotherPhone()));
    const token = codeOf(kept.secret);
    const asBearer = await verify({ token }, challenge);
    expect([asBearer.status, reasonOf(asBearer)]).toEqual([401, 'TOKEN_INVALID']);
    const both = await verify({ challenge, token }, kept.accessToken);
    expect([both.status, reasonOf(both)]).toEqual([400, 'VALIDATION_FAILED']);
    const neither = await verify({ token });
    expect([neither.status, reasonOf(neither)]).toEqual([401, 'TOKEN_MISSING']);
    await verify({ challenge, token });
    const again = await verify({ challenge, token });
    expect(reasonOf(again)).toBe('CHALLENGE_INVALID');
    expectGolden('error/CHALLENGE_INVALID', again);
  });

  it('at the device cap shows the list after the code, and then needs no second one', async () => {
    const second = anotherPhone();
    await verify({ challenge: challengeOf(await login(second)), token: codeOf(kept.secret) });
    await freshenCodes(rest.app, kept.userId);
    const refused = await login(anotherPhone());
    expect(refused.text).not.toContain(owner.deviceId);
    const challenge = challengeOf(refused);
    const full = await verify({ challenge, token: codeOf(kept.secret) });
    expect([full.status, reasonOf(full)]).toEqual([400, 'DEVICE_LIMIT']);
    expect(full.text).toContain(owner.deviceId);
    const { app } = rest;
    await app.sql(`UPDATE sessions SET last_seen_at = now() - interval '8 days'`);
    await app.sql(`UPDATE devices SET last_active = now() - interval '8 days'`);
    const answer = await verify({ challenge, replaceDeviceId: owner.deviceId });
    expect(textOf(answer, 'userId')).toBe(kept.userId);
  });
});

describe('an SMS code alone over REST', () => {
  it('opens no account that has a second factor', async () => {
    const thief = anotherPhone();
    const verificationId = await thief.prove('login');
    const refused = await thief.enter('login', verificationId);
    expect([refused.status, reasonOf(refused)]).toEqual([403, 'TWO_FACTOR_REQUIRED']);
    const registered = await thief.enter('register', await thief.prove('register'));
    expect([registered.status, reasonOf(registered)]).toEqual([409, 'ACCOUNT_EXISTS']);
    const challenge = challengeOf(refused);
    expect((await thief.refresh(challenge)).status).toBe(401);
    const codeless = await verify({ challenge });
    expect([codeless.status, reasonOf(codeless)]).toEqual([400, 'VALIDATION_FAILED']);
    await letSleep(rest.app, kept.userId);
    const asleep = await thief.enter('login', await thief.prove('login'));
    expect(reasonOf(asleep)).toBe('TWO_FACTOR_REQUIRED');
  });
});

describe('stepping up over REST', () => {
  it('proves the factor for the bearer', async () => {
    expectGolden(
      'two-factor-verify',
      await verify({ token: codeOf(kept.secret) }, kept.accessToken),
    );
    const json = { token: kept.backupCodes[1] };
    const token = kept.accessToken;
    const answer = await owner.call('POST', '/2fa/backup-codes/use', { json, token });
    expectGolden('two-factor-backup-code', answer);
  });

  it('is approved by an older session, and by no younger one', async () => {
    const challenge = challengeOf(await login(anotherPhone()));
    const younger = await verify({ challenge, token: codeOf(kept.secret) });
    const path = '/sessions/approve-step-up';
    const json = { sessionId: textOf(younger, 'sessionId') };
    const { accessToken: token } = kept;
    expectGolden('approve-step-up', await owner.call('POST', path, { json, token }));
    const own = textOf(younger, 'accessToken');
    const refused = await owner.call('POST', path, { json, token: own });
    expect(reasonOf(refused)).toBe('STEP_UP_NOT_ALLOWED');
    expectGolden('error/STEP_UP_NOT_ALLOWED', refused);
  });
});

function anotherPhone(): DeployedApp {
  return new DeployedApp(rest, { phone: owner.phone });
}

async function login(phone: DeployedApp): Promise<Answer> {
  return phone.enter('login', await phone.prove('login'));
}

function verify(json: unknown, token?: string): Promise<Answer> {
  return owner.call('POST', '/2fa/verify', { json, ...(token !== undefined && { token }) });
}

/** Out of the details of a 403, as a client finds it: the second, after the reason. */
function challengeOf({ json, text }: Answer): string {
  const challenge = fieldOf(fieldOf(fieldOf(json, 'details'), '1'), 'challenge');
  if (typeof challenge !== 'string') throw new Error(`No challenge in ${text}`);
  return challenge;
}
