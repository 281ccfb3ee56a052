import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { freePort } from '../../scripts/process/port.ts';
import { reasonOf } from './deployed-app.ts';
import { startEdge } from './edge.ts';
import type { Edge } from './edge.ts';
import { expectGolden } from './golden.ts';
import { send } from './request.ts';
import type { Wish } from './request.ts';
import { Stub } from './stub.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const REQUEST = { method: 'POST', path: '/auth/v1/verify/register/request' };
const REGISTER = { method: 'POST', path: '/auth/v1/register' };

let stub: Stub;
let edge: Edge;

beforeAll(async () => {
  stub = await new Stub().start();
  edge = await startEdge({ grpcPorts: [stub.port] });
});

beforeEach(() => {
  stub.seen.length = 0;
});

afterAll(async () => {
  await edge.stop();
  stub.stop();
});

/** Refused by the edge: nothing arrives behind it. */
async function refusal(wish: Wish) {
  const answer = await send(edge.port, wish);
  expect(stub.seen).toEqual([]);
  expect(answer.headers['content-type']).toBe('application/json');
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
  return answer;
}

describe('what Envoy refuses itself is JSON with a reason and a sentence', () => {
  it.each([
    ['broken JSON', { ...REQUEST, text: '{"phoneNumber" "+33' }],
    ['a wrong type', { ...REQUEST, text: '{"phoneNumber":{"a":1}}' }],
    ['bad base64', { ...REGISTER, text: '{"signalKeyBundle":{"identityKey":"***"}}' }],
    ['a root that is no object', { ...REQUEST, text: '["+33612345678"]' }],
    ['JSON that is too deep', { ...REGISTER, text: `${'{"a":'.repeat(200)}1${'}'.repeat(200)}` }],
    ['a number out of range', { ...REGISTER, text: '{"signalKeyBundle":{"registrationId":-1}}' }],
    ['bytes that are no UTF-8', { ...REQUEST, text: Buffer.from([0x7b, 0x22, 0xff, 0x22]) }],
  ])('%s is refused as malformed', async (name, wish) => {
    const answer = await refusal({ ...wish, headers: JSON_TYPE });
    expect([answer.status, reasonOf(answer)]).toEqual([400, 'REQUEST_MALFORMED']);
    expectGolden(`edge/${name.replaceAll(' ', '-')}`, answer);
  });

  it('a header with an underscore', async () => {
    const answer = await refusal({
      ...REQUEST,
      json: {},
      headers: { x_auth_client_ip: '1.1.1.1' },
    });
    expectGolden('edge/header-with-underscore', answer);
  });

  it('an encoded slash in a path', async () => {
    const answer = await refusal({ method: 'GET', path: '/auth/v1/device/a%2Fb' });
    expectGolden('edge/encoded-slash', answer);
  });

  it.each([
    ['an unknown path', { method: 'GET', path: '/auth/v1/nothing' }],
    ['an unknown verb', { method: 'PATCH', path: '/auth/v1/login' }],
    ['a known path with the wrong verb', { method: 'GET', path: '/auth/v1/login' }],
    ['metrics where they are off', { method: 'GET', path: '/metrics' }],
  ])('%s is answered as no such route', async (_name, wish) => {
    expectGolden('edge/no-such-route', await refusal(wish));
  });

  it('HEAD, without a body', async () => {
    const answer = await refusal({ method: 'HEAD', path: '/auth/v1/device' });
    expect([answer.status, answer.text]).toEqual([404, '']);
  });

  it.each([
    ['100 KB for a login', '/auth/v1/login', 100_000],
    ['800 KB of keys', '/auth/v1/signal/keys/prekeys', 800_000],
  ])('a body that is too large: %s', async (_name, path, bytes) => {
    const answer = await refusal({ method: 'POST', path, json: { unknown: 'x'.repeat(bytes) } });
    expectGolden('edge/too-large', answer);
  });

  it('headers that are too large', async () => {
    const headers = { authorization: `Bearer ${'x'.repeat(40_000)}` };
    const answer = await refusal({ method: 'GET', path: '/auth/v1/device', headers });
    expect([answer.status, reasonOf(answer)]).toEqual([400, 'REQUEST_MALFORMED']);
  });

  it('quotes no long value back', async () => {
    const value = 'secret'.repeat(5_000);
    const answer = await refusal({
      ...REGISTER,
      json: { signalKeyBundle: { identityKey: [value] } },
    });
    expect(answer.text).not.toContain('secret');
    expect(answer.text.length).toBeLessThan(300);
  });
});

describe('an upload of keys', () => {
  it('may be larger than other requests', async () => {
    const json = { unknown: 'x'.repeat(700_000) };
    const answer = await send(edge.port, {
      method: 'POST',
      path: '/auth/v1/signal/keys/prekeys',
      json,
    });
    expect(answer.status).toBe(200);
    expect(stub.last.method).toBe('UploadOneTimePreKeys');
  });
});

describe('when no replica can be reached', () => {
  it('says so with 503, a sentence and Retry-After', async () => {
    const lonely = await startEdge({ grpcPorts: [await freePort()] });
    try {
      const answer = await send(lonely.port, { ...REQUEST, json: {} });
      expectGolden('edge/no-replica', answer);
      expect(answer.headers['retry-after']).toBe('1');
    } finally {
      await lonely.stop();
    }
  });
});

describe('when too many requests come', () => {
  it('says so with 429, a sentence and Retry-After', async () => {
    const narrow = await startEdge({
      grpcPorts: [stub.port],
      flags: ['--requests-per-second', '2'],
    });
    try {
      const wish = { method: 'GET', path: '/auth/v1/health/live' };
      const answers = await Promise.all(Array.from({ length: 6 }, () => send(narrow.port, wish)));
      const refused = answers.filter(({ status }) => status === 429);
      expect(refused.length).toBeGreaterThanOrEqual(2);
      for (const answer of refused) expectGolden('edge/too-many-requests', answer);
      expect(refused[0]?.headers['retry-after']).toBe('1');
    } finally {
      await narrow.stop();
    }
  });
});
