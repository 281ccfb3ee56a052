import { BlockList } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { create, createFileRegistry } from '@bufbuild/protobuf';
import type { DescService } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, file_google_protobuf_empty } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import { DomainError } from '../../src/errors.ts';
import { callOf, principalOf } from '../../src/rpc/call.ts';
import { ENGINES, LIVING_TOKEN, TEST_CALLER_TOKEN, openEdge } from './edge.ts';
import type { Edge, EdgeSettings } from './edge.ts';
import { rawCall } from './raw-call.ts';

const PUBLIC = '/whispr.ops.v1.OpsService/GetLiveness';
const USER = '/whispr.auth.v1.AuthService/ListSessions';
const OPTIONAL_USER = '/whispr.auth.v1.AuthService/UseBackupCode';
const SERVICE = '/whispr.auth.v1.AuthService/ListRevocations';
const SERVICE_STREAM = '/whispr.auth.v1.AuthService/WatchRevocations';
const SIBLING = 'spiffe://cluster.local/ns/whispr/sa/messaging-service';
const INGRESS = 'spiffe://cluster.local/ns/istio-system/sa/ingress';

const nobody = new BlockList();
const denied = [Code.PermissionDenied, 'CALLER_NOT_ALLOWED'];

/** A service whose author forgot the option. */
function serviceWithoutAccess(): DescService {
  const empty = '.google.protobuf.Empty';
  const file = create(FileDescriptorProtoSchema, {
    name: 'bare.proto',
    package: 'test',
    syntax: 'proto3',
    dependency: ['google/protobuf/empty.proto'],
    service: [{ name: 'Bare', method: [{ name: 'Call', inputType: empty, outputType: empty }] }],
  });
  const registry = createFileRegistry(file, () => file_google_protobuf_empty);
  const service = registry.getService('test.Bare');
  if (service === undefined) throw new Error('The service was not built');
  return service;
}

describe.each(ENGINES)('access by %s', (engine) => {
  let edge: Edge;
  let seen: { accountId: string | undefined; caller: string | undefined; address: string }[];
  afterEach(() => edge.stop());

  async function open(settings: EdgeSettings = {}): Promise<void> {
    edge = await openEdge(engine, settings);
    seen = [];
    edge.handlers.unary = (_request, context) => {
      const { principal, caller, clientAddress } = callOf(context);
      seen.push({ accountId: principal?.accountId, caller, address: clientAddress });
      return {};
    };
  }

  async function outcome(path: string, headers: Record<string, string | string[]> = {}) {
    const { code, reason, trailers } = await rawCall(edge.port, { path, headers });
    if (trailers['www-authenticate'] !== undefined || reason?.startsWith('TOKEN'))
      expect(trailers['www-authenticate']).toMatch(/^Bearer realm/);
    return code === 0 ? 'OK' : [code, reason];
  }

  test('a public method reads no token, not even a bad one', async () => {
    await open();
    expect(await outcome(PUBLIC, { authorization: 'Bearer nonsense' })).toBe('OK');
    expect(seen).toMatchObject([{ accountId: undefined }]);
  });

  test('a user’s method needs a token and hands over its bearer', async () => {
    await open();
    expect(await outcome(USER)).toEqual([Code.Unauthenticated, 'TOKEN_MISSING']);
    expect(await outcome(USER, { authorization: `Bearer ${LIVING_TOKEN}` })).toBe('OK');
    expect(await outcome(USER, { authorization: `bearer ${LIVING_TOKEN}` })).toBe('OK');
    expect(seen[0]?.accountId).toBe('b5cfa0a2-0a4f-4a0e-9f6e-0d6b1a2c3d4e');
  });

  test.each([
    ['', 'nothing'],
    ['Bearer', 'no token'],
    ['Bearer a b', 'two words'],
    [`Basic ${LIVING_TOKEN}`, 'another scheme'],
    [`Bearer ${LIVING_TOKEN}, Bearer ${LIVING_TOKEN}`, 'two tokens in one header'],
    [`Bearer ${'x'.repeat(5_000)}`, 'something endless'],
    ['Bearer unknown', 'an unknown token'],
  ])('a user’s method refuses %j', async (authorization) => {
    await open();
    const refused = await outcome(USER, { authorization });
    expect(refused).toEqual([Code.Unauthenticated, 'TOKEN_INVALID']);
    expect(seen).toEqual([]);
  });

  test('two authorization headers are refused, in either order', async () => {
    await open();
    const good = `Bearer ${LIVING_TOKEN}`;
    for (const authorization of [
      [good, 'Bearer other'],
      ['Bearer other', good],
      [good, good],
    ]) {
      const refused = await outcome(USER, { authorization });
      expect(refused).toEqual([Code.Unauthenticated, 'TOKEN_INVALID']);
    }
  });

  test('a token may be checked asynchronously, and a store that is away is UNAVAILABLE', async () => {
    await open({
      access: {
        authenticate: (token) =>
          Promise.reject(
            token === 'slow'
              ? new DomainError('SESSION_REVOKED', 'Signed out.')
              : new DomainError('STORE_UNAVAILABLE', 'Later.'),
          ),
      },
    });
    const revoked = await outcome(USER, { authorization: 'Bearer slow' });
    expect(revoked).toEqual([Code.Unauthenticated, 'SESSION_REVOKED']);
    const away = await outcome(USER, { authorization: 'Bearer other' });
    expect(away).toEqual([Code.Unavailable, 'STORE_UNAVAILABLE']);
  });

  test('an optional bearer may be left out, but not be bad', async () => {
    await open();
    expect(await outcome(OPTIONAL_USER)).toBe('OK');
    expect(await outcome(OPTIONAL_USER, { authorization: `Bearer ${LIVING_TOKEN}` })).toBe('OK');
    const refused = await outcome(OPTIONAL_USER, { authorization: 'Bearer nonsense' });
    expect(refused).toEqual([Code.Unauthenticated, 'TOKEN_INVALID']);
    expect(seen.map(({ accountId }) => accountId !== undefined)).toEqual([false, true]);
  });

  test('a handler that wants a user of a public method gets TOKEN_MISSING', async () => {
    await open();
    edge.handlers.unary = (_request, context) => ({ status: principalOf(context).accountId });
    expect(await outcome(PUBLIC)).toEqual([Code.Unauthenticated, 'TOKEN_MISSING']);
  });

  test('a service method refuses users and strangers, streams too', async () => {
    await open();
    expect(await outcome(SERVICE)).toEqual(denied);
    expect(await outcome(SERVICE, { authorization: `Bearer ${LIVING_TOKEN}` })).toEqual(denied);
    expect(await outcome(SERVICE_STREAM)).toEqual(denied);
    expect(await outcome(SERVICE, { 'x-test-caller': 'wrong' })).toEqual(denied);
    const forged = { 'x-forwarded-client-cert': `By=x;URI=${SIBLING}` };
    expect(await outcome(SERVICE, forged)).toEqual(denied);
  });

  test('the test token opens service methods in development and test only', async () => {
    await open();
    expect(await outcome(SERVICE, { 'x-test-caller': TEST_CALLER_TOKEN })).toBe('OK');
    await edge.stop();
    await open({ edge: { nodeEnv: 'production' } });
    expect(await outcome(SERVICE, { 'x-test-caller': TEST_CALLER_TOKEN })).toEqual(denied);
  });

  test('in a mesh the sidecar’s word opens service methods, but not for the edge', async () => {
    await open({ edge: { meshIdentity: 'istio', edgePrincipals: [INGRESS] } });
    const cert = (uri: string) => ({
      'x-forwarded-client-cert': `By=spiffe://a/b;Hash=00ff;Subject="";URI=${uri}`,
    });
    expect(await outcome(SERVICE, cert(SIBLING))).toBe('OK');
    expect(seen[0]?.caller).toBe(SIBLING);
    expect(await outcome(SERVICE, cert(INGRESS))).toEqual(denied);
    expect(await outcome(SERVICE)).toEqual(denied);
  });

  test('named services only, where they are named', async () => {
    const serviceCallers = new Set(['spiffe://cluster.local/ns/whispr/sa/other']);
    await open({ edge: { meshIdentity: 'istio' }, access: { serviceCallers } });
    const cert = { 'x-forwarded-client-cert': `By=a;URI=${SIBLING}` };
    expect(await outcome(SERVICE, cert)).toEqual(denied);
  });

  test('a method that says nothing about access is for nobody', async () => {
    await open({ service: serviceWithoutAccess() });
    const headers = {
      authorization: `Bearer ${LIVING_TOKEN}`,
      'x-test-caller': TEST_CALLER_TOKEN,
    };
    expect(await outcome('/test.Bare/Call', headers)).toEqual(denied);
  });

  test('the client’s address is the edge’s word, from the edge alone', async () => {
    await open();
    const named = { 'x-auth-client-ip': '203.0.113.9' };
    await outcome(PUBLIC, named);
    await outcome(PUBLIC, { 'x-auth-client-ip': 'nonsense' });
    await outcome(PUBLIC, { 'x-auth-client-ip': '::ffff:203.0.113.10' });
    await outcome(PUBLIC);
    await edge.stop();
    const before = seen.map(({ address }) => address);
    expect(before).toEqual(['203.0.113.9', '127.0.0.1', '203.0.113.10', '127.0.0.1']);
    await open({ edge: { trustedEdgeCidrs: nobody } });
    await outcome(PUBLIC, named);
    expect(seen.map(({ address }) => address)).toEqual(['127.0.0.1']);
  });

  test('in a mesh only the edge’s identity is believed about addresses', async () => {
    await open({ edge: { meshIdentity: 'istio', edgePrincipals: [INGRESS] } });
    const named = { 'x-auth-client-ip': '203.0.113.9' };
    await outcome(PUBLIC, named);
    await outcome(PUBLIC, { ...named, 'x-forwarded-client-cert': `By=a;URI=${SIBLING}` });
    await outcome(PUBLIC, { ...named, 'x-forwarded-client-cert': `By=a;URI=${INGRESS}` });
    const addresses = seen.map(({ address }) => address);
    expect(addresses).toEqual(['127.0.0.1', '127.0.0.1', '203.0.113.9']);
  });
});
