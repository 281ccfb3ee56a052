import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ephemeralKey } from '../support/link.ts';
import { DeployedApp, fieldOf, reasonOf, textOf } from './deployed-app.ts';
import type { Kept } from './deployed-app.ts';
import { expectError, expectGolden } from './golden.ts';
import { LinkApp } from './link-app.ts';
import type { Answer } from './request.ts';
import { startRest } from './rest.ts';
import type { Rest } from './rest.ts';

/** May stand still, so that what is left of a code is the same in every run. */
const clock = { stoppedAtMs: 0, nowMs: () => clock.stoppedAtMs || Date.now() };
let rest: Rest;
let phone: DeployedApp;
let kept: Kept;
let browser: LinkApp;

beforeAll(async () => {
  rest = await startRest({ LINK_POLL_MS: '50' }, { overrides: { clock } });
});
afterAll(async () => {
  await rest.stop();
});
beforeEach(async () => {
  clock.stoppedAtMs = 0;
  phone = new DeployedApp(rest);
  kept = await phone.signIn('register');
  browser = new LinkApp(rest);
});

describe('a QR login over REST', () => {
  it('begins with a code that anybody may ask for, and shows fresh ones', async () => {
    clock.stoppedAtMs = Date.now();
    expectGolden('link-start', await browser.start());
    expectGolden('link', await browser.get());
    const before = browser.shown('qrText');
    expectGolden('link-reissue', await browser.reissue(5));
    expectError('LINK_EXPIRED', await decide('scan', { qrText: before }));
  });

  it('gives the scanning app what its owner must see, and the browser its tokens', async () => {
    clock.stoppedAtMs = Date.now();
    await browser.start();
    expectGolden('link-scan', await scan());
    clock.stoppedAtMs = 0;
    expect(fieldOf((await browser.get()).json, 'state')).toBe('LINK_STATE_SCANNED');
    expectGolden('link-approve', await approve());
    const completed = await browser.complete();
    expectGolden('link-complete', completed);
    expect(textOf(completed, 'deviceId')).toBe(browser.deviceId);
    const token = textOf(completed, 'accessToken');
    expect((await phone.call('GET', '/device', { token })).status).toBe(200);
  });

  it('is declined by the owner, and told so to whoever watches', async () => {
    await browser.start();
    const watched = browser.get('/watch');
    await scan();
    const json = { challengeId: browser.shown('challengeId') };
    expectGolden('link-decline', await decide('decline', json));
    const { headers, text } = await watched;
    expect(headers['content-type']).toBe('text/event-stream');
    expect(text.match(/LINK_STATE_\w+/g)?.at(-1)).toBe('LINK_STATE_DECLINED');
  });

  it('is no device of its own: its paths are not taken for ids of devices', async () => {
    await browser.start();
    const token = kept.accessToken;
    const answer = await phone.call('POST', '/device/link', { json: { name: 'Mine' }, token });
    expect([answer.status, reasonOf(answer)]).toEqual([400, 'VALIDATION_FAILED']);
    expect(answer.text).toContain('ephemeral');
  });
});

describe('errors over REST: QR logins', () => {
  it('LINK_NOT_FOUND for a challenge that nobody started, its watch too', async () => {
    for (const suffix of ['', '/watch']) {
      const path = `/device/link/${'A'.repeat(22)}${suffix}`;
      expectError('LINK_NOT_FOUND', await phone.call('GET', path));
    }
    const json = { qrText: 'https://example.com' };
    const answer = await phone.call('POST', '/device/link/scan', {
      json,
      token: kept.accessToken,
    });
    expectError('LINK_NOT_FOUND', answer);
  });

  it('LINK_STATE_WRONG for an approval of what was not scanned', async () => {
    await browser.start();
    expectError('LINK_STATE_WRONG', await approve());
  });

  it('LINK_SCANNED_TWICE ends the challenge', async () => {
    await browser.start();
    await scan();
    expectError('LINK_SCANNED_TWICE', await scan());
    expect(fieldOf((await browser.get()).json, 'state')).toBe('LINK_STATE_KILLED');
  });

  it('LINK_NUMBER_WRONG for a number that the browser does not show', async () => {
    await browser.start();
    await scan();
    const wrong = browser.shown('confirmationNumber') === '00' ? '01' : '00';
    expectError('LINK_NUMBER_WRONG', await approve(wrong));
    expect(reasonOf(await browser.complete())).toBe('LINK_NOT_FOUND');
  });

  it('LINK_PROOF_INVALID for tokens that another browser asks for', async () => {
    await browser.start();
    await scan();
    await approve();
    expectError('LINK_PROOF_INVALID', await browser.complete(ephemeralKey()));
  });
});

function scan(): Promise<Answer> {
  return decide('scan', { qrText: browser.shown('qrText') });
}

function approve(confirmationNumber = browser.shown('confirmationNumber')): Promise<Answer> {
  return decide('approve', { challengeId: browser.shown('challengeId'), confirmationNumber });
}

function decide(verb: 'scan' | 'approve' | 'decline', json: unknown): Promise<Answer> {
  return phone.call('POST', `/device/link/${verb}`, { json, token: kept.accessToken });
}
