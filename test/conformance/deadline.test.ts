import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Code } from '@connectrpc/connect';
import { connect } from 'node:http2';
import { callOf } from '../../src/rpc/call.ts';
import { ENGINES, openEdge } from './edge.ts';
import type { Edge } from './edge.ts';
import { frame, rawCall } from './raw-call.ts';

const LIVENESS = '/whispr.ops.v1.OpsService/GetLiveness';

function never(): Promise<never> {
  return new Promise(() => undefined);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}

describe.each(ENGINES)('the end of a call by %s', (engine) => {
  let edge: Edge;
  beforeAll(async () => {
    edge = await openEdge(engine, { deadline: { unaryDeadlineMs: 300 } });
  });
  afterAll(() => edge.stop());

  test('comes at the client’s deadline even if the handler goes on', async () => {
    let signal: AbortSignal | undefined;
    edge.handlers.unary = (_request, context) => {
      signal = context.signal;
      return never();
    };
    const started = performance.now();
    const headers = { 'grpc-timeout': '80m' };
    const answer = await rawCall(edge.port, { path: LIVENESS, headers });
    expect([answer.code, answer.reason]).toEqual([Code.DeadlineExceeded, 'DEADLINE_PASSED']);
    expect(answer.message).toBe('The answer took too long. Please try again.');
    expect(performance.now() - started).toBeLessThan(280);
    await until(() => signal?.aborted === true);
  });

  test('comes after the default deadline when the client names none', async () => {
    edge.handlers.unary = never;
    const started = performance.now();
    const answer = await rawCall(edge.port, { path: LIVENESS });
    expect([answer.code, answer.reason]).toEqual([Code.DeadlineExceeded, 'DEADLINE_PASSED']);
    expect(performance.now() - started).toBeGreaterThan(280);
  });

  test('is logged with its status', async () => {
    edge.lines.length = 0;
    edge.handlers.unary = never;
    await rawCall(edge.port, { path: LIVENESS, headers: { 'grpc-timeout': '30m' } });
    await until(() => edge.lines.length > 0);
    expect(edge.lines).toMatchObject([{ code: 'DEADLINE_EXCEEDED', reason: 'DEADLINE_PASSED' }]);
  });

  test('is at most 30 s away, whatever the client asks', async () => {
    const left: (number | undefined)[] = [];
    edge.handlers.unary = (_request, context) => {
      left.push(callOf(context).deadlineAtMs - Date.now());
      return {};
    };
    await rawCall(edge.port, { path: LIVENESS, headers: { 'grpc-timeout': '1H' } });
    await rawCall(edge.port, { path: LIVENESS });
    expect(left[0]).toBeGreaterThan(29_000);
    expect(left[0]).toBeLessThanOrEqual(30_000);
    expect(left[1]).toBeLessThanOrEqual(300);
  });

  test('is told to the handler when the client goes away, and logged', async () => {
    edge.lines.length = 0;
    let signal: AbortSignal | undefined;
    edge.handlers.unary = async (_request, context) => {
      signal = context.signal;
      await new Promise((resolve) => {
        context.signal.addEventListener('abort', resolve);
      });
      return {};
    };
    const session = connect(`http://127.0.0.1:${edge.port}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': LIVENESS,
      'content-type': 'application/grpc',
    });
    stream.on('error', () => undefined).end(frame());
    await until(() => signal !== undefined);
    stream.close(8);
    await until(() => edge.lines.length > 0);
    session.destroy();
    expect(edge.lines).toMatchObject([{ code: 'CANCELLED', reason: 'CALL_CANCELLED' }]);
  });
});
