import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStubEdge } from './stub-edge.ts';
import type { StubEdge } from './stub-edge.ts';

const ALLOWED = 'https://app.example.com';
const GRPC_WEB_PATH = '/whispr.auth.v1.AuthService/Login';
let rest: StubEdge;

beforeAll(async () => {
  const environment = { CORS_ORIGINS: `${ALLOWED},capacitor://localhost` };
  rest = await startStubEdge({ environment });
});

afterAll(async () => {
  await rest.stop();
});

function preflight(path: string, origin: string, method = 'POST') {
  const headers = {
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': 'authorization,content-type,x-device-type',
  };
  return rest.send({ method: 'OPTIONS', path, headers });
}

describe('browsers of other origins', () => {
  it.each([ALLOWED, 'capacitor://localhost'])('may call from %s', async (origin) => {
    for (const path of ['/auth/v1/login', '/auth/v1/signal/keys/prekeys', '/auth/v1/device/x']) {
      const { status, headers } = await preflight(path, origin);
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'GET, POST, DELETE',
        'access-control-allow-headers':
          'Authorization, Content-Type, Accept, X-Device-Type, X-Grpc-Web, X-User-Agent, Grpc-Timeout',
      });
      expect(headers).not.toHaveProperty('access-control-allow-credentials');
    }
  });

  it.each(['https://evil.example.com', `${ALLOWED}.evil.com`, 'http://app.example.com', 'null'])(
    'may not call from %s',
    async (origin) => {
      const denied = await preflight('/auth/v1/login', origin);
      expect(denied.headers).not.toHaveProperty('access-control-allow-origin');
      const answer = await rest.send({
        method: 'GET',
        path: '/auth/v1/health/live',
        headers: { origin },
      });
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    },
  );

  it('read Retry-After and the request id, and gRPC’s status on gRPC-Web answers only', async () => {
    const headers = { origin: ALLOWED };
    const answer = await rest.send({ method: 'GET', path: '/auth/v1/health/live', headers });
    expect(answer.headers['access-control-expose-headers']).toBe('Retry-After, X-Request-Id');
    const web = await rest.send({
      method: 'POST',
      path: GRPC_WEB_PATH,
      headers: { ...headers, 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1' },
      text: Buffer.from([0, 0, 0, 0, 0]),
    });
    expect(web.headers['access-control-expose-headers']).toBe(
      'Retry-After, X-Request-Id, Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin',
    );
  });

  it('read errors of the edge too', async () => {
    const wish = {
      method: 'POST',
      path: '/auth/v1/login',
      text: '{',
      headers: { origin: ALLOWED },
    };
    const { status, headers } = await rest.send(wish);
    expect([status, headers['access-control-allow-origin']]).toEqual([400, ALLOWED]);
  });

  it('never share a cached answer between origins', async () => {
    const { headers } = await rest.send({ method: 'GET', path: '/auth/.well-known/jwks.json' });
    expect(headers['vary']).toBe('Origin');
  });

  it('may not call at all where no origin is allowed', async () => {
    const closed = await startStubEdge();
    try {
      const headers = { origin: ALLOWED, 'access-control-request-method': 'GET' };
      const answer = await closed.send({ method: 'OPTIONS', path: '/auth/v1/device', headers });
      expect(answer.status).toBe(404);
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    } finally {
      await closed.stop();
    }
  });
});
