import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { LinkState } from '../../gen/whispr/device/v1/link_pb.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, countReasons, together } from '../support/client.ts';
import { approve, approvedDevice, complete, reissue, scan } from '../support/link.ts';
import { startDevice, toldOf } from '../support/link.ts';
import type { NewDevice } from '../support/link.ts';
import { newAddress, registerPerson } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';

let app: TestApp;
let replica: TestApp;
let owner: SignedIn;

beforeAll(async () => {
  app = await startApp({ LINK_SCANS_PER_ACCOUNT_HOUR: '50' });
  replica = await app.replica();
});
afterAll(async () => {
  await replica.stop();
  await app.stop();
});
beforeEach(async () => {
  owner = await registerPerson(app);
});

/** Callers take turns at two replicas. */
function at(index: number): TestApp {
  return index % 2 === 0 ? app : replica;
}

describe('64 parallel callers', () => {
  test('of one address start 10 QR logins', async () => {
    const address = newAddress();
    const calls = await together(64, (index) => startDevice(at(index), { address }));
    expect(countReasons(calls)).toEqual({ OK: 10, RATE_LIMITED: 54 });
  });

  test('get one further code for one signature', async () => {
    const device = await startDevice(app);
    const calls = await together(64, () => reissue(device, 5));
    const { OK, ...refused } = countReasons(calls);
    expect(OK).toBe(1);
    expect(sum(refused)).toBe(63);
    for (const reason of Object.keys(refused)) {
      expect(reason).toMatch(/^LINK_(STATE_WRONG|PROOF_INVALID)$/);
    }
    await reissue(device, 4);
  });

  test('scan one code: one is told of the device, the next ends the challenge with one alert', async () => {
    const other = await registerPerson(app);
    const device = await startDevice(app);
    const calls = await together(64, (index) =>
      scan(at(index), index % 4 < 2 ? owner : other, device),
    );
    expect(countReasons(calls)).toEqual({ OK: 1, LINK_SCANNED_TWICE: 63 });
    expect(await stateOf(device)).toBe(LinkState.KILLED);
    const told = [...(await toldOf(app, owner.userId)), ...(await toldOf(app, other.userId))];
    expect(told).toEqual(['LINK_SCANNED_TWICE']);
  });

  test('approve one challenge, and one of them decides', async () => {
    const device = await startDevice(app);
    await scan(app, owner, device);
    const calls = await together(64, (index) => approve(at(index), owner, device));
    expect(countReasons(calls)).toEqual({ OK: 1, LINK_STATE_WRONG: 63 });
  });

  test('that guess the number have one try', async () => {
    const device = await startDevice(app);
    await scan(app, owner, device);
    const guesses = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'));
    const wrong = guesses.filter((guess) => guess !== device.started.confirmationNumber);
    const calls = await together(64, (index) =>
      approve(at(index), owner, { ...device, number: wrong[index] }),
    );
    expect(countReasons(calls)).toEqual({ LINK_NUMBER_WRONG: 1, LINK_NOT_FOUND: 63 });
    expect(await stateOf(device)).toBe(LinkState.DECLINED);
  });

  test('approve and decline: one of them decides', async () => {
    const device = await startDevice(app);
    await scan(app, owner, device);
    const { challengeId } = device.started;
    const calls = await together<unknown>(64, (index) =>
      index % 4 < 2
        ? approve(at(index), owner, device)
        : at(index).clients.device.declineLink({ challengeId }, bearer(owner.accessToken)),
    );
    expect(calls.filter(({ status }) => status === 'ok')).toHaveLength(1);
  });

  test('collect the tokens of one challenge once: one session, one row', async () => {
    const device = await approvedDevice(app, owner);
    const calls = await together(64, (index) =>
      complete({ ...device, clients: at(index).clients }),
    );
    expect(countReasons(calls)).toEqual({ OK: 1, LINK_NOT_FOUND: 63 });
    expect(await sessionsOf(device)).toBe(1);
    expect(await stateOf(device)).toBe(LinkState.COMPLETED);
  });

  test('of 16 approved devices take the 9 places that are left', async () => {
    const devices: NewDevice[] = [];
    for (let count = 0; count < 16; count += 1) devices.push(await approvedDevice(app, owner));
    const calls = await together(64, (index) =>
      completeOne(devices[index % devices.length], at(index)),
    );
    const { OK } = countReasons(calls);
    expect(OK).toBe(9);
    const [row] = await app.sql<{ count: number }>(
      `SELECT count(DISTINCT device_id)::int AS count FROM sessions
        WHERE user_id = $1 AND revoked_at IS NULL`,
      [owner.userId],
    );
    expect(row?.count).toBe(10);
  });
});

test.each(Array.from({ length: 8 }, (_, round) => round))(
  'a second scan ends the challenge before the tokens are collected, or not at all (round %i)',
  async () => {
    const device = await approvedDevice(app, owner);
    const calls = await together<unknown>(8, (index) =>
      index % 2 === 0 ? complete(device) : scan(at(index), owner, device),
    );
    const sessions = await sessionsOf(device);
    const isKilled = (await stateOf(device)) === LinkState.KILLED;
    expect(sessions).toBe(isKilled ? 0 : 1);
    expect(calls.filter(({ status }) => status === 'ok')).toHaveLength(sessions);
    const alerts = (await toldOf(app, owner.userId)).filter((kind) => kind !== 'NEW_DEVICE');
    expect(alerts).toEqual(isKilled ? ['LINK_SCANNED_TWICE'] : []);
  },
);

function completeOne(device: NewDevice | undefined, { clients }: TestApp) {
  if (!device) throw new Error('There is no such device');
  return complete({ ...device, clients });
}

async function stateOf({ started }: NewDevice): Promise<LinkState> {
  return (await app.clients.device.getLink({ challengeId: started.challengeId })).state;
}

async function sessionsOf({ deviceId }: NewDevice): Promise<number> {
  const [row] = await app.sql<{ count: number }>(
    'SELECT count(*)::int AS count FROM sessions WHERE device_id = $1',
    [deviceId],
  );
  return row?.count ?? 0;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
