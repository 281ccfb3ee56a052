import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { newBlock, pump } from '../support/block.ts';
import { countReasons, refusalOf } from '../support/client.ts';
import { newAddress, prove } from '../support/person.ts';

const HOUR_MS = 3_600_000;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('a prefix whose codes nobody enters', () => {
  test('is blocked for an hour at the 21st send, and its neighbour is not', async () => {
    const [block, neighbour] = [newBlock(), newBlock()];
    const outcomes = await pump(app, block, { count: 21 });

    expect(countReasons(outcomes)).toEqual({ OK: 20, RATE_LIMITED: 1 });
    const refusal = outcomes[20]?.status === 'refused' ? outcomes[20].refusal : undefined;
    expect(refusal).toMatchObject({ code: 8, metadata: { limit: 'sends_per_prefix' } });
    expect(refusal?.retryDelayMs).toBeGreaterThan(HOUR_MS - 60_000);
    expect(refusal?.retryDelayMs).toBeLessThanOrEqual(HOUR_MS);
    expect(app.inbox.count(block.number(20))).toBe(0);
    expect(countReasons(await pump(app, neighbour, { count: 1 }))).toEqual({ OK: 1 });
  });

  test('leaves an audit event with a reason, and no number anywhere', async () => {
    const block = newBlock();
    await pump(app, block, { count: 21 });

    const events = await app.sql(
      `SELECT outcome, reason, actor, details FROM audit_events
        WHERE type = 'verification.refused' AND details->>'prefix' = $1`,
      [block.prefix],
    );
    const details = { reason: 'prefix', country: 'FR', prefix: block.prefix, purpose: 'register' };
    expect(events).toEqual([
      { outcome: 'refused', reason: 'RATE_LIMITED', actor: 'anonymous', details },
    ]);
    const [kept] = await app.sql<{ text: string }>(
      'SELECT coalesce(json_agg(s)::text, $1) AS text FROM fraud_sends s',
      [''],
    );
    expect(kept?.text).not.toContain(block.number(20));
    expect(await metric(app)).toContain('reason="prefix",country="FR"');
  });

  test.each([
    [4, { OK: 21 }],
    [3, { OK: 20, RATE_LIMITED: 1 }],
  ])('is judged by its conversion: %s of 20 entered give %p', async (entered, expected) => {
    const block = newBlock();
    for (let index = 0; index < entered; index += 1) {
      await prove(app, 'register', { phone: block.number(index) });
    }
    const outcomes = await pump(app, block, { count: 21 - entered, from: entered });

    const counts = countReasons(outcomes);
    expect({ ...counts, OK: (counts['OK'] ?? 0) + entered }).toEqual(expected);
  });

  test('is blocked twice as long when it goes on within a day, up to a day', async () => {
    const block = newBlock();
    const hours: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      await pump(app, block, { count: 20, from: round * 100 });
      const [again] = await pump(app, block, { count: 1, from: round * 100 + 50 });
      const waitMs = again?.status === 'refused' ? again.refusal.retryDelayMs : 0;
      hours.push(Math.round((waitMs ?? 0) / HOUR_MS));
      await passPrefixTime(block.prefix, `${hours.at(-1)} hours`);
    }

    expect(hours).toEqual([1, 2, 4, 8, 16, 24]);
    await passPrefixTime(block.prefix, '2 days');
    const outcomes = await pump(app, block, { count: 21, from: 900 });
    const last = outcomes.at(-1);
    const waitMs = last?.status === 'refused' ? last.refusal.retryDelayMs : 0;
    expect(Math.round((waitMs ?? 0) / HOUR_MS)).toBe(1);
  });

  test('counts five sends of one address, so that three addresses close it for nobody', async () => {
    const block = newBlock();
    const addresses = [newAddress(), newAddress(), newAddress()];
    let asked = 0;
    const address = () => addresses[asked++ % 3] ?? '';
    const outcomes = await pump(app, block, { count: 30, address });

    expect(countReasons(outcomes)).toEqual({ OK: 30 });
  });

  test('stays open for an address that signed in to the account before, and only for it', async () => {
    const block = newBlock();
    const home = app.clientsAt(newAddress());
    const { verificationId } = await prove(app, 'register', {
      phone: block.number(1),
      clients: home,
    });
    const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
    await home.auth.register(device);
    await pump(app, block, { count: 20, from: 100 });

    await prove(app, 'login', { phone: block.number(1), clients: home });
    const refusals = [1, 2].map((index) =>
      refusalOf(
        app
          .clientsAt(newAddress())
          .auth.requestLoginVerification({ phoneNumber: block.number(index) }),
      ),
    );
    const [known, unknown] = await Promise.all(refusals);
    expect(known).toMatchObject({
      reason: 'RATE_LIMITED',
      metadata: { limit: 'sends_per_prefix' },
    });
    expect({ ...known, error: 0, retryDelayMs: 0 }).toEqual({
      ...unknown,
      error: 0,
      retryDelayMs: 0,
    });
  });

  test('is remembered when Redis is lost', async () => {
    const block = newBlock();
    await pump(app, block, { count: 21 });
    await app.redis.flushdb();

    const [outcome] = await pump(app, block, { count: 1, from: 30 });
    expect(outcome).toMatchObject({ refusal: { metadata: { limit: 'sends_per_prefix' } } });
  });

  test('costs the number and the address nothing when it refuses', async () => {
    const block = newBlock();
    await pump(app, block, { count: 20 });
    const { auth } = app.clientsAt(newAddress());
    const request = { phoneNumber: block.number(50) };
    for (let asked = 0; asked < 25; asked += 1) {
      const { metadata } = await refusalOf(auth.requestRegisterVerification(request));
      expect(metadata).toEqual({ limit: 'sends_per_prefix' });
    }
    await app.sql('DELETE FROM fraud_prefixes WHERE prefix = $1', [block.prefix]);
    await app.sql('DELETE FROM fraud_sends WHERE prefix = $1', [block.prefix]);
    await auth.requestRegisterVerification(request);
  });
});

/** Everything about the prefix is older by `duration`. */
async function passPrefixTime(prefix: string, duration: string): Promise<void> {
  await app.sql(`UPDATE fraud_sends SET created_at = created_at - $2::interval WHERE prefix = $1`, [
    prefix,
    duration,
  ]);
  await app.sql(
    `UPDATE fraud_prefixes SET blocked_until = blocked_until - $2::interval WHERE prefix = $1`,
    [prefix, duration],
  );
}

async function metric(of: TestApp): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${of.ports.metrics}/metrics`);
  const text = await response.text();
  return text
    .split('\n')
    .filter((line) => line.startsWith('auth_fraud'))
    .join('\n');
}
