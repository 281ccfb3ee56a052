import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newNumber } from '../support/person.ts';
import { eventually } from '../support/private-stores.ts';
import { DeployedApp } from './deployed-app.ts';
import { startRest } from './rest.ts';
import type { Rest } from './rest.ts';
import { startStubEdge } from './stub-edge.ts';

let rest: Rest;

beforeAll(async () => {
  rest = await startRest({ KEY_SIGNATURE_POLICY: 'legacy' });
});

afterAll(async () => {
  await rest.stop();
});

describe('headers of REST answers', () => {
  it('keep browsers from guessing, framing, referring and storing', async () => {
    const { accessToken: token } = await new DeployedApp(rest).signIn('register');
    const answer = await new DeployedApp(rest).call('GET', '/device', { token });
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      'cache-control': 'no-store',
    });
    expect(answer.headers).not.toHaveProperty('strict-transport-security');
  });

  it('keep browsers on TLS in production', async () => {
    const environment = { NODE_ENV: 'production' };
    const production = await startStubEdge({ environment });
    try {
      const answer = await production.send({ method: 'GET', path: '/auth/v1/health/live' });
      expect(answer.headers['strict-transport-security']).toBe(
        'max-age=63072000; includeSubDomains',
      );
    } finally {
      await production.stop();
    }
  });
});

describe('the access log', () => {
  it('has one line of JSON per request, with its id and without query, body and token', async () => {
    const phone = new DeployedApp(rest, { phone: newNumber() });
    const { accessToken, refreshToken } = await phone.signIn('register');
    await phone.refresh(refreshToken);
    await phone.call('GET', '/devices?pageToken=canary-query', { token: accessToken });
    const broken = { method: 'POST', path: '/auth/v1/login', text: '{"code" "canary-body' };
    const { headers } = await rest.send({ ...broken, from: phone.from });
    const id = String(headers['x-request-id']);
    const log = await eventually(
      () => Promise.resolve(rest.edge.log()),
      (text) => text.includes(id),
    );
    const line = log.split('\n').find((text) => text.includes(id)) ?? '';
    expect(JSON.parse(line)).toMatchObject({
      event: 'edge.request',
      method: 'POST',
      path: '/auth/v1/login',
      status: 400,
      requestId: id,
    });
    const secrets = ['canary', accessToken, refreshToken, phone.phone, phone.from];
    for (const secret of secrets) expect(log).not.toContain(secret);
  });

  it('holds no warning of Envoy’s', () => {
    const lines = rest.edge.log().split('\n');
    expect(lines.filter((line) => line !== '' && !line.startsWith('{'))).toEqual([]);
  });
});
