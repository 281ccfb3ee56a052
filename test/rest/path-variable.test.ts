import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStubEdge } from './stub-edge.ts';
import type { StubEdge } from './stub-edge.ts';

const A = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
const B = 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb';
let rest: StubEdge;

beforeAll(async () => {
  rest = await startStubEdge();
});

afterAll(async () => {
  await rest.stop();
});

describe('an id in a path', () => {
  it.each([
    ['id', { id: B }],
    ['deviceId', { deviceId: B }],
    ['device_id', { device_id: B }],
  ])('is not overwritten by %s in the body', async (_name, extra) => {
    const json = { name: 'Renamed', ...extra };
    await rest.send({ method: 'POST', path: `/auth/v1/device/${A}`, json });
    expect(rest.stub.last).toMatchObject({
      method: 'RenameDevice',
      message: { deviceId: A, changes: { name: 'Renamed' } },
    });
  });

  it.each(['deviceId', 'device_id', 'id'])('is not overwritten by ?%s=', async (name) => {
    for (const method of ['GET', 'DELETE']) {
      await rest.send({ method, path: `/auth/v1/device/${A}?${name}=${B}` });
      expect(rest.stub.last.message).toEqual({ deviceId: A });
    }
  });

  it('is not overwritten where a path has two', async () => {
    const query = `userId=${B}&user_id=${B}&deviceId=${B}&device_id=${B}&requestId=${B}`;
    const path = `/auth/v1/signal/keys/${A}/devices/${A}?${query}`;
    await rest.send({ method: 'GET', path });
    expect(rest.stub.last.message).toEqual({ userId: A, deviceId: A, requestId: B });
  });

  it('is a filter where no path has it', async () => {
    for (const name of ['deviceId', 'device_id']) {
      await rest.send({ method: 'GET', path: `/auth/v1/login-history?${name}=${B}&userId=${A}` });
      expect(rest.stub.last).toMatchObject({
        method: 'ListLoginHistory',
        message: { deviceId: B },
      });
    }
  });

  it.each([
    ['2fa/verify', 'challenge'],
    ['login', 'verificationId'],
    ['tokens/refresh', 'refresh_token'],
  ])('is followed by no secret of %s in the query', async (route, name) => {
    await rest.send({ method: 'POST', path: `/auth/v1/${route}?${name}=${B}`, json: {} });
    expect(JSON.stringify(rest.stub.last.message)).not.toContain(B);
  });

  it('loses to a word of a route in the same place', async () => {
    await rest.send({ method: 'POST', path: '/auth/v1/device/link', json: {} });
    expect(rest.stub.last.method).toBe('StartLink');
  });
});
