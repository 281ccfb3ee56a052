import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newNumber } from '../support/person.ts';
import { DeployedApp, reasonOf } from './deployed-app.ts';
import { newClient, startRest } from './rest.ts';
import { startStubEdge } from './stub-edge.ts';
import type { StubEdge } from './stub-edge.ts';

const FORGED = {
  'x-auth-client-ip': '198.51.100.7',
  'x-forwarded-for': '198.51.100.8',
  'x-forwarded-client-cert': 'By=spiffe://a;URI=spiffe://cluster.local/ns/x/sa/messaging',
  'x-envoy-external-address': '198.51.100.9',
  'x-envoy-original-path': '/auth/v1/forged',
  'x-envoy-upstream-rq-timeout-ms': '1',
  'x-test-caller': 'a-token-that-only-tests-know',
  'x-request-id': 'chosen-by-the-client',
};

describe('headers that only the edge may write', () => {
  let rest: StubEdge;

  beforeAll(async () => {
    rest = await startStubEdge();
  });

  afterAll(async () => {
    await rest.stop();
  });

  it('names the address that the request came from, whatever it says of itself', async () => {
    const wish = { method: 'GET', path: '/auth/v1/health/live', headers: FORGED };
    await rest.send({ ...wish, from: '127.0.0.9' });
    expect(rest.stub.last.headers).toMatchObject({ 'x-auth-client-ip': '127.0.0.9' });
    expect(rest.stub.last.headers).not.toHaveProperty('x-forwarded-client-cert');
    expect(rest.stub.last.headers).not.toHaveProperty('x-test-caller');
    expect(rest.stub.last.headers).not.toHaveProperty('x-envoy-upstream-rq-timeout-ms');
  });

  it('keeps the path that was asked for, which webhook signatures need', async () => {
    const path = '/auth/v1/webhooks/sms/twilio/7c9e6679-7425-40de-944b-e07fc1f90ae7?a=1';
    const headers = { 'content-type': 'application/x-www-form-urlencoded', ...FORGED };
    await rest.send({ method: 'POST', path, headers, text: 'MessageStatus=delivered' });
    expect(rest.stub.last.method).toBe('ReceiveDeliveryReceipt');
    expect(rest.stub.last.headers).toMatchObject({ 'x-envoy-original-path': path });
    expect(rest.stub.last.message).toMatchObject({
      provider: 'twilio',
      body: {
        contentType: 'application/x-www-form-urlencoded',
        data: Buffer.from('MessageStatus=delivered').toString('base64'),
      },
    });
  });

  it('makes the request id itself and tells it to the client', async () => {
    const wish = { method: 'GET', path: '/auth/v1/health/live', headers: FORGED };
    const { headers } = await rest.send(wish);
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(rest.stub.last.headers).toMatchObject({ 'x-request-id': headers['x-request-id'] });
  });

  it('tells the client nothing of gRPC, of the edge or of its software', async () => {
    const { headers } = await rest.send({ method: 'GET', path: '/auth/v1/health/live' });
    const names = Object.keys(headers).filter((name) =>
      /^(grpc-|x-envoy-|server$|trailer)/.test(name),
    );
    expect(names).toEqual([]);
  });
});

describe('behind one trusted proxy', () => {
  it('believes that proxy, and not what the client put before', async () => {
    const rest = await startStubEdge({ flags: ['--trusted-hops', '1'] });
    try {
      const headers = { 'x-forwarded-for': '198.51.100.8, 203.0.113.5' };
      await rest.send({ method: 'GET', path: '/auth/v1/health/live', headers });
      expect(rest.stub.last.headers).toMatchObject({ 'x-auth-client-ip': '203.0.113.5' });
    } finally {
      await rest.stop();
    }
  });
});

describe('limits per address', () => {
  it('count a client that forges headers as one, and another address as another', async () => {
    const rest = await startRest();
    try {
      const phone = newNumber();
      const ask = (from: string, headers = {}) =>
        rest.send({
          method: 'POST',
          path: '/auth/v1/verify/register/request',
          json: { phoneNumber: phone },
          headers,
          from,
        });
      const from = newClient();
      expect((await ask(from)).status).toBe(200);
      expect(reasonOf(await ask(from))).toBe('RATE_LIMITED');
      expect(reasonOf(await ask(from, FORGED))).toBe('RATE_LIMITED');
      expect((await new DeployedApp(rest, { phone }).request('register')).status).toBe(200);
    } finally {
      await rest.stop();
    }
  });
});
