import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import {
  approve,
  approvedDevice,
  complete,
  scan,
  startDevice,
  wrongNumber,
} from '../support/link.ts';
import { newAddress, newNumber, prove, registerPerson } from '../support/person.ts';
import { eventually } from '../support/private-stores.ts';
import { redisSettings, startValkey } from '../support/valkey.ts';
import type { TestValkey } from '../support/valkey.ts';
import { openProxy } from './tcp-proxy.ts';
import type { TcpProxy } from './tcp-proxy.ts';

let primary: TestValkey;
let standby: TestValkey;
let follower: Redis;
let proxy: TcpProxy;
let app: TestApp;

beforeEach(async () => {
  [primary, standby] = await Promise.all([startValkey(), startValkey()]);
  const leader = connectTo(primary.port);
  // A new primary waits five seconds for further followers before it copies anything.
  await leader.config('SET', 'repl-diskless-sync-delay', '0');
  leader.disconnect();
  follower = connectTo(standby.port);
  await follower.config('SET', 'masterauth', passwordOf());
  await follower.replicaof('127.0.0.1', primary.port);
  await eventually(replicationState, (state) => state.includes('master_link_status:up'));
  proxy = await openProxy(primary.port);
  app = await startApp(redisSettings(proxy.port, 0));
}, 60_000);

afterEach(async () => {
  await app.stop();
  follower.disconnect();
  await proxy.close();
  await Promise.all([primary.remove(), standby.remove()]);
});

function passwordOf(): string {
  return redisSettings(0, 0)['REDIS_PASSWORD'] ?? '';
}

function connectTo(port: number): Redis {
  const redis = new Redis({ host: '127.0.0.1', port, password: passwordOf(), db: 0 });
  redis.on('error', () => undefined);
  return redis;
}

function replicationState(): Promise<string> {
  return follower.info('replication');
}

/** Asynchronous replication stops here: whatever happens later, the standby never hears of it. */
async function loseTouch(key: string): Promise<void> {
  await eventually(
    () => follower.exists(key),
    (count) => count === 1,
  );
  await follower.replicaof('NO', 'ONE');
}

/** The standby takes over with what it had, and every connection is cut. */
async function failOver(): Promise<void> {
  proxy.turnTo(standby.port);
  // A send needs Redis; readiness may still speak of the connection that was cut.
  await eventually(() => {
    const { auth } = app.clientsAt(newAddress());
    return auth.requestRegisterVerification({ phoneNumber: newNumber() });
  });
  await eventually(() => app.redis.ping());
}

// Redis replicates asynchronously: a promoted standby brings back counters and records as they were
// (Jepsen’s analyses of Redis Sentinel since 2013).
describe('a verification that a fail-over brought back', () => {
  test('gives no second set of checks: five guesses stay five guesses', async () => {
    const phone = newNumber();
    const { auth } = app.clientsAt(newAddress());
    const { verificationId } = await auth.requestRegisterVerification({ phoneNumber: phone });
    const right = app.inbox.codeFor(phone);
    await loseTouch(`verification:${verificationId}`);
    const code = right === '000000' ? '000001' : '000000';
    for (let miss = 0; miss < 5; miss += 1) {
      const guess = auth.confirmRegisterVerification({ verificationId, code });
      expect((await refusalOf(guess)).reason).toBe('CODE_WRONG');
    }
    await failOver();
    expect(await app.redis.hget(`verification:${verificationId}`, 'checks')).toBe('0');
    const late = auth.confirmRegisterVerification({ verificationId, code: right });
    expect((await refusalOf(late)).reason).toBe('VERIFICATION_UNKNOWN');
  });

  test('opens no second session although it is proven and unspent there', async () => {
    const { phone } = await registerPerson(app);
    const { verificationId } = await prove(app, 'login', { phone });
    await loseTouch(`verification:${verificationId}`);
    await login(verificationId);
    await failOver();
    expect(await app.redis.hget(`verification:${verificationId}`, 'confirmed')).toBe('1');
    expect((await refusalOf(login(verificationId))).reason).toBe('VERIFICATION_SPENT');
    // Not even where it carries the new primary’s id.
    const replid = /master_replid:(\w+)/.exec(await app.redis.info('replication'))?.[1] ?? '';
    await app.redis.hset(`verification:${verificationId}`, 'replid', replid);
    expect((await refusalOf(login(verificationId))).reason).toBe('VERIFICATION_SPENT');
  });

  test('does not give an older id of the number back to a stranger', async () => {
    const { phone } = await registerPerson(app);
    const stranger = app.clientsAt(newAddress()).auth;
    const { verificationId } = await stranger.requestLoginVerification({ phoneNumber: phone });
    const code = app.inbox.codeFor(phone);
    await loseTouch(`verification:${verificationId}`);
    await prove(app, 'login', { phone });
    await failOver();
    const late = stranger.confirmLoginVerification({ verificationId, code });
    expect((await refusalOf(late)).reason).toBe('VERIFICATION_UNKNOWN');
  });

  test('is replaced by a new message, and the number’s limits are still counted', async () => {
    const phone = newNumber();
    const clients = app.clientsAt(newAddress());
    const { auth } = clients;
    const first = await auth.requestRegisterVerification({ phoneNumber: phone });
    await loseTouch(`verification:${first.verificationId}`);
    await failOver();
    const soon = auth.requestRegisterVerification({ phoneNumber: phone });
    expect((await refusalOf(soon)).reason).toBe('RATE_LIMITED');
    await app.sql(`UPDATE phone_attempts SET created_at = created_at - interval '1 minute'`);
    const { verificationId } = await prove(app, 'register', { phone, clients });
    await auth.register({ verificationId, deviceId: randomUUID(), deviceType: 'ios' });
  });
});

// The same for QR codes: a challenge as it was before its second scan, its wrong number or its end.
describe('a QR challenge that a fail-over brought back', () => {
  test('is not scanned a second time by a thief who photographed it', async () => {
    const [owner, thief] = [await registerPerson(app), await registerPerson(app)];
    const device = await startDevice(app);
    await loseTouch(`qr_challenge:${device.started.challengeId}`);
    await scan(app, owner, device);
    await failOver();
    expect((await refusalOf(scan(app, thief, device))).reason).toBe('LINK_NOT_FOUND');
    expect((await refusalOf(approve(app, owner, device))).reason).toBe('LINK_NOT_FOUND');
  });

  test('gives no second try at its number', async () => {
    const owner = await registerPerson(app);
    const device = await startDevice(app);
    await scan(app, owner, device);
    await caughtUp(device.started.challengeId, 'scanned');
    await loseTouch(`qr_challenge:${device.started.challengeId}`);
    const wrong = await refusalOf(approve(app, owner, { ...device, number: wrongNumber(device) }));
    expect(wrong.reason).toBe('LINK_NUMBER_WRONG');
    await failOver();
    expect((await refusalOf(approve(app, owner, device))).reason).toBe('LINK_NOT_FOUND');
  });

  test('hands out no second pair of tokens, and no session of a declined device', async () => {
    const owner = await registerPerson(app);
    const device = await approvedDevice(app, owner);
    await caughtUp(device.started.challengeId, 'approved');
    await loseTouch(`qr_challenge:${device.started.challengeId}`);
    await complete(device);
    await failOver();
    expect((await refusalOf(complete(device))).reason).toBe('LINK_NOT_FOUND');
    const { sessions } = await app.clients.auth.listSessions({}, bearer(owner.accessToken));
    expect(sessions).toHaveLength(2);
  });
});

async function caughtUp(challengeId: string, state: string): Promise<void> {
  await eventually(
    () => follower.hget(`qr_challenge:${challengeId}`, 'trail'),
    (trail) => trail?.endsWith(state) === true,
  );
}

function login(verificationId: string) {
  const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
  return app.clients.auth.login(device);
}
