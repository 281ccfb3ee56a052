import { describe, expect, test } from '@jest/globals';
import { quotaFields } from './quota.ts';

const hourly = { name: 'sends_per_address', limit: 20, windowSeconds: 3600 };

describe('the fields of a quota', () => {
  test('are lists of strings with parameters, as the draft writes them', () => {
    const fields = quotaFields([
      { quota: hourly, remaining: 19, resetMs: 3_600_000 },
      { quota: { name: 'phone_cooldown', limit: 1 }, remaining: 0, resetMs: 29_001 },
    ]);

    expect(Object.fromEntries(fields)).toEqual({
      'ratelimit-policy': '"sends_per_address";q=20;w=3600, "phone_cooldown";q=1',
      ratelimit: '"sends_per_address";r=19;t=3600, "phone_cooldown";r=0;t=30',
    });
  });

  test('never name a time that has passed or a negative rest', () => {
    const fields = quotaFields([{ quota: hourly, remaining: -1, resetMs: -5 }]);

    expect(Object.fromEntries(fields)['ratelimit']).toBe('"sends_per_address";r=0;t=1');
  });
});
