import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { LinkState } from '../../gen/whispr/device/v1/link_pb.ts';
import { LinkStateSchema } from '../../gen/whispr/device/v1/link_pb.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { refusalOf } from '../support/client.ts';
import { approve, complete, scan, startDevice } from '../support/link.ts';
import type { NewDevice } from '../support/link.ts';
import { registerPerson } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { eventually } from '../support/private-stores.ts';
import { redisSettings, startValkey } from '../support/valkey.ts';

const clock = { aheadMs: 0, nowMs: () => Date.now() + clock.aheadMs };
let app: TestApp;
let owner: SignedIn;

beforeAll(async () => {
  app = await startApp({ WATCH_HEARTBEAT_MS: '2000' }, { clock });
});
afterAll(() => app.stop());
beforeEach(async () => {
  clock.aheadMs = 0;
  owner = await registerPerson(app);
});

interface Watcher {
  readonly told: { state: string; expiresIn: number; atMs: number }[];
  readonly stop: () => void;
  readonly ended: Promise<void>;
}

describe('a watch of a QR login', () => {
  test('tells the present state at once and every change within a second, then ends', async () => {
    const device = await startDevice(app);
    const watcher = watch(app, device);
    await waitFor(watcher, 1);
    for (const act of [
      () => scan(app, owner, device),
      () => approve(app, owner, device),
      () => complete(device),
    ]) {
      await act();
      const actedAtMs = Date.now();
      const last = await waitFor(watcher, watcher.told.length + 1);
      expect(last.atMs - actedAtMs).toBeLessThan(1_000);
    }
    await watcher.ended;
    expect(statesOf(watcher)).toEqual(['WAITING', 'SCANNED', 'APPROVED', 'COMPLETED']);
    expect(watcher.told.map(({ expiresIn }) => expiresIn > 0)).toEqual([true, true, true, false]);
  });

  test('leaves out no state, however fast they follow, and many may watch', async () => {
    const device = await startDevice(app);
    const replica = await app.replica();
    const watchers = [
      ...Array.from({ length: 8 }, () => watch(app, device)),
      ...Array.from({ length: 8 }, () => watch(replica, device)),
    ];
    for (const watcher of watchers) await waitFor(watcher, 1);
    await scan(app, owner, device);
    await approve(app, owner, device);
    await complete(device);
    for (const watcher of watchers) {
      await watcher.ended;
      expect(statesOf(watcher)).toEqual(['WAITING', 'SCANNED', 'APPROVED', 'COMPLETED']);
    }
    await replica.stop();
  });

  test('repeats the present state as a heartbeat', async () => {
    const watcher = watch(app, await startDevice(app));
    await waitFor(watcher, 2);
    expect(statesOf(watcher)).toEqual(['WAITING', 'WAITING']);
    watcher.stop();
    await watcher.ended;
  });

  test('that begins when all is over tells how it ended, and ends', async () => {
    const device = await startDevice(app);
    await scan(app, owner, device);
    await refusalOf(scan(app, owner, device));
    const watcher = watch(app, device);
    await watcher.ended;
    expect(statesOf(watcher)).toEqual(['KILLED']);
  });

  test('ends after the five minutes, and when the store lost the challenge', async () => {
    const [late, lost] = [await startDevice(app), await startDevice(app)];
    const watchers = [watch(app, late), watch(app, lost)];
    for (const watcher of watchers) await waitFor(watcher, 1);
    const { challengeId } = lost.started;
    await app.redis.hset(`qr_challenge:${challengeId}`, 'replid', 'of-the-primary-before');
    await watchers[1]?.ended;
    clock.aheadMs += 301_000;
    await watchers[0]?.ended;
    expect(watchers.map(statesOf)).toEqual([
      ['WAITING', 'EXPIRED'],
      ['WAITING', 'EXPIRED'],
    ]);
  });

  test('is refused for an id that nobody has', async () => {
    const challengeId = randomBytes(16).toString('base64url');
    const stream = app.clients.device.watchLink({ challengeId });
    const { reason } = await refusalOf(Array.fromAsync(stream));
    expect(reason).toBe('LINK_NOT_FOUND');
  });

  test('may be open 16 times for one challenge and replica', async () => {
    const device = await startDevice(app);
    const watchers = Array.from({ length: 16 }, () => watch(app, device));
    for (const watcher of watchers) await waitFor(watcher, 1);
    const { challengeId } = device.started;
    const stream = app.clients.device.watchLink({ challengeId });
    const { reason } = await refusalOf(Array.fromAsync(stream));
    expect(reason).toBe('RATE_LIMITED');
    for (const { stop } of watchers) stop();
    for (const { ended } of watchers) await ended;
    const next = await eventually(async () => {
      const watcher = watch(app, device);
      await waitFor(watcher, 1);
      return watcher;
    });
    next.stop();
    await next.ended;
  });
});

test('a hundred watchers ask Redis no more often than one, over no further connection', async () => {
  const valkey = await startValkey();
  const quiet = await startApp(redisSettings(valkey.port, 0));
  const devices = [];
  for (let count = 0; count < 20; count += 1) devices.push(await startDevice(quiet));
  const before = await clientsOf(quiet);
  const watchers = devices.flatMap((device) =>
    Array.from({ length: 5 }, () => watch(quiet, device)),
  );
  for (const watcher of watchers) await waitFor(watcher, 1);
  const first = await scriptCalls(quiet);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect((await scriptCalls(quiet)) - first).toBeLessThanOrEqual(8);
  expect(await clientsOf(quiet)).toBe(before);
  for (const { stop } of watchers) stop();
  for (const { ended } of watchers) await ended;
  await quiet.stop();
  await valkey.remove();
});

async function scriptCalls({ redis }: TestApp): Promise<number> {
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
}

async function clientsOf({ redis }: TestApp): Promise<number> {
  return Number(/connected_clients:(\d+)/.exec(await redis.info('clients'))?.[1] ?? 0);
}

function watch(at: TestApp, { started }: Pick<NewDevice, 'started'>): Watcher {
  const { challengeId } = started;
  const abort = new AbortController();
  const told: Watcher['told'] = [];
  const read = async () => {
    const stream = at.clients.device.watchLink({ challengeId }, { signal: abort.signal });
    for await (const { state, expiresIn } of stream) {
      told.push({ state: nameOf(state), expiresIn, atMs: Date.now() });
    }
  };
  const ended = read().catch((error: unknown) => {
    if (!abort.signal.aborted) throw error;
  });
  return { told, stop: () => abort.abort(), ended };
}

function nameOf(state: LinkState): string {
  return LinkStateSchema.value[state]?.localName ?? '';
}

function statesOf({ told }: Watcher): string[] {
  return told.map(({ state }) => state);
}

/** The newest message, once there are `count`. */
async function waitFor({ told }: Watcher, count: number): Promise<Watcher['told'][number]> {
  const newest = await eventually(
    () => Promise.resolve(told[count - 1]),
    (message) => message !== undefined,
  );
  if (!newest) throw new Error('No message came');
  return newest;
}
