import { describe, expect, test } from '@jest/globals';
import { rateLimited } from './limiter.ts';
import { limitPolicies } from './policy.ts';

const policies = limitPolicies({
  sendsPerAddressHour: 20,
  numbersPerAddressHour: 10,
  checksPerAddressHour: 30,
  ceilingPerAddressHour: 300,
  linkStartsPerAddressMinute: 10,
  linkScansPerAccountHour: 5,
  backupSetsPerAccountHour: 20,
});

describe('the named limits', () => {
  test('take their sizes from the settings', () => {
    expect(policies.sendsPerAddress).toMatchObject({ limit: 20, windowSeconds: 3600 });
    expect(policies.numbersPerAddress).toMatchObject({ limit: 10, windowSeconds: 3600 });
    expect(policies.checksPerAddress).toMatchObject({ limit: 30, windowSeconds: 3600 });
    expect(policies.ceilingPerAddress).toMatchObject({ limit: 300, windowSeconds: 3600 });
  });

  test('have a name each, since the name is their key in Redis', () => {
    const names = Object.values(policies).map(({ name }) => name);

    expect(new Set(names).size).toBe(names.length);
    expect(names.every((name) => /^[a-z_]+$/.test(name))).toBe(true);
  });

  test('stop every send and check while Redis is away', () => {
    const { sendsPerAddress, numbersPerAddress, checksPerAddress, ceilingPerAddress } = policies;
    const closed = [sendsPerAddress, numbersPerAddress, checksPerAddress, ceilingPerAddress];

    expect(closed.map(({ withoutRedis }) => withoutRedis)).toEqual(Array(4).fill('closed'));
  });

  test('let a session be refreshed while Redis is away', () => {
    expect(policies.predecessorsPerSession.withoutRedis).toBe('local');
  });
});

test('a refusal names the limit and when to come back', () => {
  const error = rateLimited('sends_per_address', 1_234);

  expect(error.reason).toBe('RATE_LIMITED');
  expect(error.options).toMatchObject({
    retryDelayMs: 1_234,
    metadata: { limit: 'sends_per_address' },
  });
});
