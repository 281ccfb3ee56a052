import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createLogger } from '../platform/logger.ts';
import { HealthMonitor } from './health.ts';
import type { Probe, Readiness } from './health.ts';

interface Store {
  state: 'up' | 'down' | 'hanging';
  asked: number;
}

function probeOf(name: string, isRequired: boolean, store: Store): Probe {
  return {
    name,
    isRequired,
    probe: () => {
      store.asked += 1;
      if (store.state === 'down') throw new Error('refused');
      return store.state === 'up' ? undefined : new Promise(() => undefined);
    },
  };
}

function monitor() {
  const postgres: Store = { state: 'up', asked: 0 };
  const redis: Store = { state: 'up', asked: 0 };
  const changes: Readiness[] = [];
  const health = new HealthMonitor({
    probes: [probeOf('postgres', true, postgres), probeOf('redis', false, redis)],
    logger: createLogger('silent'),
    onChange: (readiness) => changes.push(readiness),
  });
  return { health, postgres, redis, changes };
}

describe('health', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('is ready when everything answers', async () => {
    const { health, changes } = monitor();
    const stores = { postgres: 'up', redis: 'up' };
    expect(await health.check()).toEqual({ status: 'ready', stores });
    expect(changes).toHaveLength(1);
  });

  test('is degraded without an optional store, and not ready without a required one', async () => {
    const first = monitor();
    first.redis.state = 'down';
    expect(await first.health.check()).toMatchObject({ status: 'degraded' });
    const second = monitor();
    second.postgres.state = 'down';
    second.redis.state = 'down';
    const stores = { postgres: 'down', redis: 'down' };
    expect(await second.health.check()).toEqual({ status: 'not_ready', stores });
  });

  test('answers within a second when a store hangs, and does not ask it twice', async () => {
    const { health, redis } = monitor();
    redis.state = 'hanging';
    const answer = health.check();
    await jest.advanceTimersByTimeAsync(900);
    expect(await answer).toMatchObject({ status: 'degraded' });
    await jest.advanceTimersByTimeAsync(260);
    const second = health.check();
    await jest.advanceTimersByTimeAsync(900);
    expect(await second).toMatchObject({ status: 'degraded' });
    expect(redis.asked).toBe(1);
  });

  test('asks each store once for many callers', async () => {
    const { health, postgres } = monitor();
    await Promise.all(Array.from({ length: 50 }, () => health.check()));
    await health.check();
    expect(postgres.asked).toBe(1);
  });

  test('tells of changes only', async () => {
    const { health, redis, changes } = monitor();
    await health.check();
    redis.state = 'down';
    await jest.advanceTimersByTimeAsync(260);
    await health.check();
    await jest.advanceTimersByTimeAsync(260);
    await health.check();
    expect(changes.map(({ status }) => status)).toEqual(['ready', 'degraded']);
  });

  test('is not ready any more once retired, whatever the stores say', async () => {
    const { health, changes } = monitor();
    await health.check();
    health.retire();
    await jest.advanceTimersByTimeAsync(260);
    expect(await health.check()).toMatchObject({ status: 'not_ready' });
    expect(changes.map(({ status }) => status)).toEqual(['ready', 'not_ready']);
  });
});
