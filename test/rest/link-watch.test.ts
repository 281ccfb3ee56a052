import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/private-stores.ts';
import { DeployedApp, fieldOf } from './deployed-app.ts';
import { EventSource } from './event-source.ts';
import { LinkApp } from './link-app.ts';
import { startRest } from './rest.ts';
import type { Rest } from './rest.ts';

const HEARTBEAT_MS = 1_500;
const clock = { aheadMs: 0, nowMs: () => Date.now() + clock.aheadMs };
let rest: Rest;
let phone: DeployedApp;
let token: string;
let browser: LinkApp;

beforeAll(async () => {
  const settings = { WATCH_HEARTBEAT_MS: String(HEARTBEAT_MS) };
  rest = await startRest(settings, { overrides: { clock } });
});
afterAll(() => rest.stop());
beforeEach(async () => {
  clock.aheadMs = 0;
  phone = new DeployedApp(rest);
  token = (await phone.signIn('register')).accessToken;
  browser = new LinkApp(rest);
  await browser.start();
});

describe('a browser that watches its QR login by EventSource', () => {
  it('hears the present state at once and every change within a second, without a token', async () => {
    const watch = await watchOf(browser);
    await heard(watch, 1);
    for (const act of [() => decide('scan'), () => decide('approve'), () => browser.complete()]) {
      const count = watch.events.length;
      expect((await act()).status).toBe(200);
      const actedAtMs = Date.now();
      await heard(watch, count + 1);
      expect(Date.now() - actedAtMs).toBeLessThan(1_000);
    }
    await watch.ended;
    expect(statesOf(watch)).toEqual(['WAITING', 'SCANNED', 'APPROVED', 'COMPLETED']);
    expect(watch.events.at(-1)).toEqual({ state: 'LINK_STATE_COMPLETED', expiresIn: 0 });
  });

  it('hears heartbeats while nothing happens, and that its time is over', async () => {
    const watch = await watchOf(browser);
    const openedAtMs = Date.now();
    await heard(watch, 2);
    expect(Date.now() - openedAtMs).toBeGreaterThan(HEARTBEAT_MS / 2);
    clock.aheadMs += 301_000;
    await watch.ended;
    expect(statesOf(watch)).toEqual(['WAITING', 'WAITING', 'EXPIRED']);
  });

  it('that comes back after a lost connection hears where things stand', async () => {
    const first = await watchOf(browser);
    await heard(first, 1);
    first.close();
    await decide('scan');
    const second = await watchOf(browser);
    await heard(second, 1);
    expect(statesOf(second)).toEqual(['SCANNED']);
    second.close();
  });

  it('gets no stream for a challenge that is gone, so that it stops asking', async () => {
    clock.aheadMs += 301_000;
    await expect(watchOf(browser)).rejects.toThrow('No event stream but 404 application/json');
  });

  it('may not look at another challenge by a query parameter', async () => {
    const other = new LinkApp(rest);
    await other.start();
    await decide('scan');
    const id = browser.shown('challengeId');
    const answer = await other.get(`?challengeId=${id}&challenge_id=${id}`);
    expect(fieldOf(answer.json, 'state')).toBe('LINK_STATE_WAITING');
  });
});

function watchOf(app: LinkApp): Promise<EventSource> {
  const path = `/auth/v1/device/link/${app.shown('challengeId')}/watch`;
  return EventSource.open(rest.edge.port, path, app.from);
}

function decide(verb: 'scan' | 'approve') {
  const challengeId = browser.shown('challengeId');
  const confirmationNumber = browser.shown('confirmationNumber');
  const json =
    verb === 'scan' ? { qrText: browser.shown('qrText') } : { challengeId, confirmationNumber };
  return phone.call('POST', `/device/link/${verb}`, { json, token });
}

function heard({ events }: EventSource, count: number): Promise<number> {
  return eventually(
    () => Promise.resolve(events.length),
    (length) => length >= count,
  );
}

function statesOf({ events }: EventSource): string[] {
  return events.map((event) => String(fieldOf(event, 'state')).replace('LINK_STATE_', ''));
}
