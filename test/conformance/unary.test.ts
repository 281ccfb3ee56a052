import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  RetryInfoSchema,
} from '../../gen/google/rpc/error_details_pb.ts';
import {
  LoginRequestSchema,
  RefreshTokensRequestSchema,
  RefreshTokensResponseSchema,
} from '../../gen/whispr/auth/v1/session_pb.ts';
import { DomainError } from '../../src/errors.ts';
import { callOf } from '../../src/rpc/call.ts';
import { ENGINES, openEdge } from './edge.ts';
import type { Edge } from './edge.ts';
import { frame, rawCall } from './raw-call.ts';

const REFRESH = '/whispr.auth.v1.AuthService/RefreshTokens';
const LOGIN = '/whispr.auth.v1.AuthService/Login';
const body = frame(
  toBinary(RefreshTokensRequestSchema, create(RefreshTokensRequestSchema, { refreshToken: 'r' })),
);

describe.each(ENGINES)('a unary call by %s', (engine) => {
  let edge: Edge;
  beforeAll(async () => {
    edge = await openEdge(engine);
  });
  afterAll(() => edge.stop());

  function refusing(error: unknown) {
    edge.handlers.unary = () => {
      throw error;
    };
    return rawCall(edge.port, { path: REFRESH, body });
  }

  test('is answered with the handler’s message, headers and trailers', async () => {
    edge.handlers.unary = (_request, context) => {
      context.responseHeader.set('cache-control', 'no-store');
      context.responseTrailer.set('x-trailer', 'last');
      return { accessToken: 'a', refreshToken: 'b' };
    };
    const answer = await rawCall(edge.port, { path: REFRESH, body });
    expect(answer.code).toBe(0);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.trailers['x-trailer']).toBe('last');
    const message = { accessToken: 'a', refreshToken: 'b' };
    const expected = create(RefreshTokensResponseSchema, message);
    expect(answer.body).toEqual(frame(toBinary(RefreshTokensResponseSchema, expected)));
  });

  test('may be answered with a message object and from a promise', async () => {
    edge.handlers.unary = () =>
      Promise.resolve(create(RefreshTokensResponseSchema, { accessToken: 'a' }));
    const answer = await rawCall(edge.port, { path: REFRESH, body });
    expect([answer.code, answer.body.length]).toEqual([0, 8]);
  });

  test('that is refused carries status, sentence, reason and domain', async () => {
    const answer = await refusing(new DomainError('CODE_WRONG', 'Ce n’est pas ce code — 100 %.'));
    expect(answer.code).toBe(Code.InvalidArgument);
    expect(answer.message).toBe('Ce n’est pas ce code — 100 %.');
    expect([answer.reason, answer.domain]).toEqual(['CODE_WRONG', 'auth.whispr']);
    expect(answer.body).toHaveLength(0);
  });

  test('that is refused sends no initial metadata of the handler', async () => {
    edge.handlers.unary = (_request, context) => {
      context.responseHeader.set('cache-control', 'no-store');
      throw new DomainError('TOKEN_EXPIRED', 'Refresh.');
    };
    const answer = await rawCall(edge.port, { path: REFRESH, body });
    expect(answer.code).toBe(Code.Unauthenticated);
    expect(answer.trailers['www-authenticate']).toBe(
      'Bearer realm="whispr", error="invalid_token"',
    );
    if (engine === 'grpc-js') {
      expect(answer.isTrailersOnly).toBe(true);
      expect(answer.headers['cache-control']).toBeUndefined();
    }
  });

  test('that may be repeated later says when, in RetryInfo and in retry-after', async () => {
    const answer = await refusing(
      new DomainError('RATE_LIMITED', 'Too often.', {
        retryDelayMs: 31_500,
        metadata: { limit: 'sends_per_hour' },
      }),
    );
    expect(answer.code).toBe(Code.ResourceExhausted);
    expect(answer.detail(RetryInfoSchema)?.retryDelay).toMatchObject({ seconds: 31n, nanos: 5e8 });
    expect(answer.trailers['retry-after']).toBe('32');
    expect(answer.detail(ErrorInfoSchema)?.metadata).toEqual({ limit: 'sends_per_hour' });
  });

  test('carries violations, preconditions and typed details', async () => {
    const answer = await refusing(
      new DomainError('DEVICE_LIMIT', 'Too many devices.', {
        violations: [{ field: 'deviceId', description: 'is one too many' }],
        preconditions: [{ type: 'DEVICES', subject: 'account', description: 'at most 10' }],
        details: [
          {
            desc: RefreshTokensResponseSchema,
            value: create(RefreshTokensResponseSchema, { userId: 'u' }),
          },
        ],
      }),
    );
    expect(answer.code).toBe(Code.FailedPrecondition);
    expect(answer.detail(BadRequestSchema)?.fieldViolations).toMatchObject([{ field: 'deviceId' }]);
    expect(answer.detail(PreconditionFailureSchema)?.violations).toHaveLength(1);
    expect(answer.detail(RefreshTokensResponseSchema)?.userId).toBe('u');
  });

  test('keeps its details under 4 KB: the first 16 violations and their number', async () => {
    const violations = Array.from({ length: 300 }, (_, index) => ({
      field: `signalKeyBundle.preKeys[${index}].${'x'.repeat(500)}`,
      description: 'y'.repeat(500),
    }));
    const answer = await refusing(new DomainError('VALIDATION_FAILED', 'No.', { violations }));
    expect(answer.detailBytes).toBeLessThanOrEqual(4_300);
    expect(answer.detail(BadRequestSchema)?.fieldViolations).toHaveLength(16);
    expect(answer.detail(ErrorInfoSchema)?.metadata).toEqual({ violations: '300' });
  });

  test('that fails unexpectedly says nothing about it, and logs it once with its stack', async () => {
    edge.lines.length = 0;
    const answer = await refusing(new Error('password is hunter2'));
    expect([answer.code, answer.message]).toEqual([Code.Internal, 'internal error']);
    expect(answer.reason).toBe('INTERNAL');
    expect(JSON.stringify(answer.trailers)).not.toContain('hunter2');
    const defects = edge.lines.filter(({ event }) => event === 'rpc.defect');
    expect(defects).toHaveLength(1);
    expect(defects[0]).toMatchObject({ err: { stack: expect.stringContaining('unary.test.ts') } });
  });

  test('that throws something other than an error is INTERNAL as well', async () => {
    const answer = await refusing('a string');
    expect([answer.code, answer.reason]).toEqual([Code.Internal, 'INTERNAL']);
  });

  test('whose answer cannot be encoded is INTERNAL', async () => {
    edge.handlers.unary = () => ({ expiresIn: -5 });
    const answer = await rawCall(edge.port, { path: REFRESH, body });
    expect([answer.code, answer.reason]).toEqual([Code.Internal, 'INTERNAL']);
  });

  test('is validated, and names the fields by their JSON paths', async () => {
    const bundle = { preKeys: [{ keyId: 1 }, { keyId: 0xffffffff }] };
    const request = create(LoginRequestSchema, { deviceId: 'nonsense', signalKeyBundle: bundle });
    const answer = await rawCall(edge.port, {
      path: LOGIN,
      body: frame(toBinary(LoginRequestSchema, request)),
    });
    expect([answer.code, answer.reason]).toEqual([Code.InvalidArgument, 'VALIDATION_FAILED']);
    const fields = answer.detail(BadRequestSchema)?.fieldViolations.map(({ field }) => field);
    expect(fields).toEqual(expect.arrayContaining(['verificationId', 'deviceId']));
  });

  test('has the request id of its edge, or one of its own', async () => {
    const ids: string[] = [];
    edge.handlers.unary = (_request, context) => {
      ids.push(callOf(context).requestId);
      return {};
    };
    for (const sent of ['7b0a3c5e-1f6d-4d0a-9a53-0c7b1c2d3e4f', 'short', 'has spaces in it', '']) {
      await rawCall(edge.port, { path: REFRESH, body, headers: { 'x-request-id': sent } });
    }
    expect(ids[0]).toBe('7b0a3c5e-1f6d-4d0a-9a53-0c7b1c2d3e4f');
    expect(new Set(ids).size).toBe(4);
    for (const id of ids.slice(1)) expect(id).toMatch(/^[\w-]{16,64}$/);
  });

  test('is one log line and one sample, without anything secret', async () => {
    edge.lines.length = 0;
    edge.handlers.unary = () => ({ accessToken: 'secret-token' });
    await rawCall(edge.port, { path: REFRESH, body, headers: { authorization: 'Bearer hidden' } });
    const calls = edge.lines.filter(({ event }) => event === 'rpc');
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({
      method: 'whispr.auth.v1.AuthService/RefreshTokens',
      code: 'OK',
      clientPrefix: '127.0.0.0/24',
      requestId: expect.any(String),
      durationMs: expect.any(Number),
    });
    expect(JSON.stringify(edge.lines)).not.toMatch(/secret-token|hidden/);
    const text = await edge.metrics.metrics();
    expect(text).toMatch(/whispr_rpc_calls_total\{.*RefreshTokens",code="OK",reason=""\} \d+/);
    expect(text).toContain('whispr_rpc_duration_seconds_bucket');
  });

  test('passes the interceptors in their order', () => {
    const order = ['call', 'observe', 'errors', 'deadline', 'access', 'validate'];
    expect(edge.chainNames).toEqual(order);
  });
});
