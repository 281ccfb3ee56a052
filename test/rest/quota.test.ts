import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DeployedApp, textOf } from './deployed-app.ts';
import { startRest } from './rest.ts';
import type { Rest } from './rest.ts';

let rest: Rest;

beforeAll(async () => {
  rest = await startRest();
});

afterAll(async () => {
  await rest.stop();
});

describe('rate limits over REST', () => {
  it('are told by headers when a code was sent and when one was entered', async () => {
    const phone = new DeployedApp(rest);
    const requested = await phone.request('register');
    expect(requested.status).toBe(200);
    expect(requested.headers).toMatchObject({
      'ratelimit-policy': expect.stringContaining('"sends_per_address";q=20;w=3600'),
      ratelimit: expect.stringMatching(/"sends_per_address";r=19;t=\d+/),
    });
    const confirmed = await phone.confirm('register', textOf(requested, 'verificationId'));
    expect(confirmed.headers).toMatchObject({
      'ratelimit-policy': '"checks_per_address";q=30;w=3600',
      ratelimit: expect.stringMatching(/^"checks_per_address";r=30;t=\d+$/),
    });
  });

  it('are told by headers and Retry-After when one refused', async () => {
    const phone = new DeployedApp(rest);
    await phone.request('register');
    const refused = await phone.request('register');
    expect(refused.status).toBe(429);
    const seconds = String(refused.headers['retry-after']);
    expect(refused.headers).toMatchObject({
      'ratelimit-policy': '"phone_cooldown";q=1',
      ratelimit: `"phone_cooldown";r=0;t=${seconds}`,
    });
  });
});
