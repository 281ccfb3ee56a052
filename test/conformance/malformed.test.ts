import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { BadRequestSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { RefreshTokensRequestSchema } from '../../gen/whispr/auth/v1/session_pb.ts';
import { ENGINES, LIVING_TOKEN, openEdge } from './edge.ts';
import type { Edge } from './edge.ts';
import { frame, rawCall } from './raw-call.ts';
import type { RawAnswer } from './raw-call.ts';

const REFRESH = '/whispr.auth.v1.AuthService/RefreshTokens';
const REGISTER = '/whispr.auth.v1.AuthService/Register';
const UPLOAD = '/whispr.keys.v1.KeyDirectoryService/UploadOneTimePreKeys';
const STREAM = '/whispr.ops.v1.OpsService/GetSwagger';
const request = toBinary(
  RefreshTokensRequestSchema,
  create(RefreshTokensRequestSchema, { refreshToken: 'r' }),
);

function expectRefusal(answer: RawAnswer, code: Code, reason: string): void {
  expect([answer.code, answer.reason, answer.domain]).toEqual([code, reason, 'auth.whispr']);
  expect(answer.message).toMatch(/^[A-Z].*\.$/);
}

/** A length-delimited field of `size` bytes. */
function field(number: number, size: number): Buffer {
  const length: number[] = [];
  for (let rest = size; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), Buffer.alloc(size, 'x')]);
}

describe.each(ENGINES)('what %s cannot read', (engine) => {
  let edge: Edge;
  beforeAll(async () => {
    edge = await openEdge(engine);
    edge.handlers.unary = () => ({});
  });
  afterAll(() => edge.stop());

  test.each([
    ['a tag without a value', Buffer.from('0a', 'hex')],
    ['a length beyond the end', Buffer.from('0aff7f', 'hex')],
    ['text that is not UTF-8', Buffer.from('0a02c328', 'hex')],
    ['an unknown wire type', Buffer.from('0f', 'hex')],
    ['field number 0', Buffer.from('0000', 'hex')],
    ['30,000 nested groups', Buffer.alloc(30_000, 0x7b)],
    ['random bytes', Buffer.from('f3a1990b7ce0ff', 'hex')],
  ])('%s is REQUEST_MALFORMED', async (_what, bytes) => {
    for (const path of [REFRESH, REGISTER, STREAM]) {
      const answer = await rawCall(edge.port, { path, body: frame(bytes) });
      expectRefusal(answer, Code.InvalidArgument, 'REQUEST_MALFORMED');
    }
  });

  test.each([
    ['no message', Buffer.alloc(0), {}],
    ['two messages', Buffer.concat([frame(request), frame(request)]), {}],
    ['compression nobody knows', frame(request, 1), { 'grpc-encoding': 'zstd' }],
    ['bytes that are not gzip', frame(Buffer.from('nonsense'), 1), { 'grpc-encoding': 'gzip' }],
    ['a time-out without a unit', frame(request), { 'grpc-timeout': 'soon' }],
  ])('%s is REQUEST_MALFORMED', async (_what, body, headers) => {
    const answer = await rawCall(edge.port, { path: REFRESH, body, headers });
    expectRefusal(answer, Code.InvalidArgument, 'REQUEST_MALFORMED');
  });

  test('a message in gzip is read', async () => {
    const headers = { 'grpc-encoding': 'gzip' };
    const body = frame(gzipSync(request), 1);
    const answer = await rawCall(edge.port, { path: REFRESH, body, headers });
    expect(answer.code).toBe(0);
  });

  test.each([
    ['more than its method takes', frame(field(1, 70_000)), {}],
    ['more than any method takes', frame(field(1, 1_200_000)), {}],
    ['a bomb of 100 MB', frame(gzipSync(Buffer.alloc(1e8)), 1), { 'grpc-encoding': 'gzip' }],
  ])('%s is MESSAGE_TOO_LARGE', async (_what, body, headers) => {
    const answer = await rawCall(edge.port, { path: REFRESH, body, headers });
    expectRefusal(answer, Code.InvalidArgument, 'MESSAGE_TOO_LARGE');
  });

  test('more than its method takes once inflated is refused', async () => {
    const headers = { 'grpc-encoding': 'gzip' };
    const body = frame(gzipSync(field(1, 70_000)), 1);
    const answer = await rawCall(edge.port, { path: REFRESH, body, headers });
    // connect-node does not recognise zlib's error across the realms of a Jest test.
    expect(['MESSAGE_TOO_LARGE', 'REQUEST_MALFORMED']).toContain(answer.reason);
    expect(answer.code).toBe(Code.InvalidArgument);
  });

  test('an upload of keys may be larger, to its own limit', async () => {
    const headers = { authorization: `Bearer ${LIVING_TOKEN}` };
    const large = { path: UPLOAD, body: frame(field(15, 500_000)), headers };
    expect((await rawCall(edge.port, large)).code).toBe(0);
    const tooLarge = { path: UPLOAD, body: frame(field(15, 530_000)), headers };
    const answer = await rawCall(edge.port, tooLarge);
    expectRefusal(answer, Code.InvalidArgument, 'MESSAGE_TOO_LARGE');
  });

  test.each([
    '/whispr.auth.v1.AuthService/Nothing',
    '/whispr.none.v1.NoService/Login',
    '/',
    '/whispr.auth.v1.AuthService/Login/',
  ])('no method at %s', async (path) => {
    const answer = await rawCall(edge.port, { path, body: frame(request) });
    expectRefusal(answer, Code.Unimplemented, 'METHOD_UNKNOWN');
    expect(answer.isTrailersOnly).toBe(true);
  });

  test('rules that fail name every field, with no more than was asked', async () => {
    const answer = await rawCall(edge.port, { path: REGISTER });
    expectRefusal(answer, Code.InvalidArgument, 'VALIDATION_FAILED');
    const fields = answer.detail(BadRequestSchema)?.fieldViolations.map((one) => one.field);
    expect(fields).toEqual(['verificationId', 'deviceId']);
    expect(answer.message).toContain('verificationId');
  });

  test('a stream’s request is validated too', async () => {
    const answer = await rawCall(edge.port, { path: STREAM, body: frame(field(1, 200)) });
    expectRefusal(answer, Code.InvalidArgument, 'VALIDATION_FAILED');
  });

  test('all of that is counted, and none of it is logged as a defect', async () => {
    expect(edge.lines.filter(({ event }) => event === 'rpc.defect')).toEqual([]);
    expect(await edge.metrics.metrics()).toMatch(/reason="REQUEST_MALFORMED"\} [1-9]/);
  });
});
