import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { URI } from 'otpauth';
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

const clock = { aheadMs: 0, nowMs: () => Date.now() + clock.aheadMs };
/** An access token is over by then; authenticator codes are those of another time, too. */
const TOKEN_OVER_MS = 700_000;

let rest: Rest;
let phone: DeployedApp;
let kept: Kept;

beforeAll(async () => {
  rest = await startRest({}, { overrides: { clock } });
});
afterAll(async () => {
  await rest.stop();
});
beforeEach(async () => {
  clock.aheadMs = 0;
  phone = new DeployedApp(rest);
  kept = await phone.signIn('register');
});

describe('the deployed app and the second factor', () => {
  it('sets it up by a POST without a body and enables it by the first code', async () => {
    expectGolden('two-factor-status-off', await get('/status'));
    const setup = await post('/setup');
    expectGolden('two-factor-setup', setup);
    const secret = textOf(setup, 'secret');
    const uri = URI.parse(textOf(setup, 'otpauthUri'));
    expect({ issuer: uri.issuer, secret: uri.secret.base32 }).toEqual({ issuer: 'Whispr', secret });
    expectGolden('two-factor-enable', await post('/enable', { token: codeOf(secret) }));
    expectGolden('two-factor-status', await get('/status'));
    expectGolden('two-factor-backup-codes-remaining', await get('/backup-codes/remaining'));
  });

  it('replaces the backup codes under both names of that operation', async () => {
    const { secret, backupCodes } = await turnOnTwoFactor(rest.app, kept);
    const first = await post('/backup-codes', { token: codeOf(secret) });
    expectGolden('two-factor-backup-codes', first);
    const token = codesOf(first)[0];
    const second = await post('/backup-codes/regenerate', { token });
    expectGolden('two-factor-backup-codes', second);
    expect(new Set([...backupCodes, ...codesOf(first), ...codesOf(second)]).size).toBe(30);
    const stale = await post('/backup-codes/use', { token: codesOf(first)[1] });
    expect([stale.status, reasonOf(stale)]).toEqual([400, 'TWO_FACTOR_CODE_WRONG']);
  });

  it('disables it and may set it up again', async () => {
    const { secret } = await turnOnTwoFactor(rest.app, kept);
    expectGolden('two-factor-disable', await post('/disable', { token: codeOf(secret) }));
    expect(fieldOf((await get('/status')).json, 'enabled')).toBe(false);
    expect((await post('/setup')).status).toBe(200);
  });

  it('may send the code as `code`, as its older versions do, and fields that nobody knows', async () => {
    const secret = textOf(await post('/setup'), 'secret');
    const extra = { deviceFingerprint: { of: ['the', 'app'] }, userId: 7 };
    const enabled = await post('/enable', { code: codeOf(secret), ...extra });
    const [first, second] = codesOf(enabled);
    expect((await post('/verify', { code: await fresh(secret), ...extra })).status).toBe(200);
    expect((await post('/backup-codes/use', { code: first, ...extra })).status).toBe(200);
    const again = await post('/backup-codes/regenerate', { code: second, ...extra });
    expect((await post('/disable', { code: codesOf(again)[0], ...extra })).json).toEqual({});
  });

  it('signs in by a challenge under the older name of the code, too', async () => {
    const { secret } = await turnOnTwoFactor(rest.app, kept);
    const { phone: number } = phone;
    const second = new DeployedApp(rest, { phone: number });
    const refused = await second.enter('login', await second.prove('login'));
    const challenge = fieldOf(fieldOf(fieldOf(refused.json, 'details'), '1'), 'challenge');
    const json = { challenge, code: await fresh(secret), rememberMe: true };
    const answer = await second.call('POST', '/2fa/verify', { json });
    expect(textOf(answer, 'deviceId')).toBe(second.deviceId);
  });

  it('is told 400 of a wrong code and of none, never 401', async () => {
    const setup = textOf(await post('/setup'), 'secret');
    expect(await refusalOf('/enable', { token: wrongCodeFor(setup) })).toEqual(WRONG);
    const { secret } = await turnOnTwoFactor(rest.app, kept);
    const token = wrongCodeFor(secret);
    for (const path of ['/disable', '/backup-codes', '/backup-codes/regenerate', '/verify']) {
      await freshenCodes(rest.app, kept.userId);
      expect(await refusalOf(path, { token })).toEqual(WRONG);
      expect(await refusalOf(path, { token: '' })).toEqual([400, 'VALIDATION_FAILED']);
      expect(await refusalOf(path)).toEqual([400, 'VALIDATION_FAILED']);
    }
    expect(await refusalOf('/backup-codes/use', { token })).toEqual(WRONG);
  });

  it('is answered only with a bearer', async () => {
    const routes = ['/setup', '/enable', '/disable', '/backup-codes', '/backup-codes/regenerate'];
    for (const path of routes) {
      const answer = await phone.call('POST', `/2fa${path}`, { json: { token: '123456' } });
      expect([answer.status, reasonOf(answer)]).toEqual([401, 'TOKEN_MISSING']);
    }
    for (const path of ['/status', '/backup-codes/remaining']) {
      expect((await phone.call('GET', `/2fa${path}`)).status).toBe(401);
    }
  });
});

describe('calls that the deployed app repeats after a 401', () => {
  it('are answered after one refresh', async () => {
    clock.aheadMs = TOKEN_OVER_MS;
    const setup = await phone.callPatiently(kept, ['POST', '/2fa/setup']);
    expect([setup.refreshes, setup.answer.status]).toEqual([1, 200]);
    const json = { token: codeAhead(textOf(setup.answer, 'secret')) };
    const enabled = await phone.callPatiently(kept, ['POST', '/2fa/enable', json]);
    expect([enabled.refreshes, codesOf(enabled.answer)]).toEqual([1, expect.any(Array)]);
    const status = await phone.callPatiently(kept, ['GET', '/2fa/status']);
    expect([status.refreshes, fieldOf(status.answer.json, 'enabled')]).toEqual([1, true]);
  });

  it('count a wrong code once: what a 401 turned away was not tried', async () => {
    const { secret } = await turnOnTwoFactor(rest.app, kept);
    clock.aheadMs = TOKEN_OVER_MS;
    const right = codeAhead(secret);
    const token = right === '000000' ? '000001' : '000000';
    const { answer, refreshes } = await phone.callPatiently(kept, [
      'POST',
      '/2fa/disable',
      { token },
    ]);
    expect([refreshes, answer.status, reasonOf(answer)]).toEqual([1, ...WRONG]);
    expect(await missesOf(kept.userId)).toBe(1);
  });

  it('are not repeated for a wrong code', async () => {
    const { secret } = await turnOnTwoFactor(rest.app, kept);
    const json = { token: wrongCodeFor(secret) };
    const { answer, refreshes } = await phone.callPatiently(kept, ['POST', '/2fa/verify', json]);
    expect([refreshes, answer.status, reasonOf(answer)]).toEqual([0, ...WRONG]);
    expect(await missesOf(kept.userId)).toBe(1);
  });
});

const WRONG = [400, 'TWO_FACTOR_CODE_WRONG'];

function get(path: string): Promise<Answer> {
  return phone.call('GET', `/2fa${path}`, { token: kept.accessToken });
}

/** As the app sends it: without a body, the content type says JSON all the same. */
function post(path: string, json?: unknown): Promise<Answer> {
  return phone.call('POST', `/2fa${path}`, { json, token: kept.accessToken });
}

async function refusalOf(path: string, json?: unknown): Promise<unknown[]> {
  const answer = await post(path, json);
  return [answer.status, reasonOf(answer)];
}

function codesOf({ json, text }: Answer): string[] {
  const codes = fieldOf(json, 'backupCodes');
  if (!Array.isArray(codes)) throw new Error(`No backup codes in ${text}`);
  return codes.map(String);
}

/** The present code, its time step unused. */
async function fresh(secret: string): Promise<string> {
  await freshenCodes(rest.app, kept.userId);
  return codeOf(secret);
}

function codeAhead(secret: string): string {
  return codeOf(secret, Math.floor(clock.aheadMs / 30_000));
}

async function missesOf(userId: string): Promise<number | undefined> {
  const [row] = await rest.app.sql<{ misses: number }>(
    'SELECT misses FROM two_factor_states WHERE user_id = $1',
    [userId],
  );
  return row?.misses;
}
