import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Code } from '@connectrpc/connect';
import { RetryInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { DomainError } from '../../src/errors.ts';
import { ENGINES, LIVING_TOKEN, openEdge } from './edge.ts';
import type { Edge } from './edge.ts';
import { frame, rawCall } from './raw-call.ts';

const SWAGGER = '/whispr.ops.v1.OpsService/GetSwagger';
/** For users, a stream of answers. */
const WATCH = '/whispr.keys.v1.KeyDirectoryService/WatchKeyEvents';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}

async function* chunks(count: number, bytes: number) {
  for (let index = 0; index < count; index += 1) {
    await Promise.resolve();
    yield { data: Buffer.alloc(bytes, index) };
  }
}

/** Says one thing and then waits for ever, deaf to its signal. */
async function* deaf() {
  yield { contentType: 'text/plain' };
  await new Promise(() => undefined);
}

describe.each(ENGINES)('a stream of answers by %s', (engine) => {
  let edge: Edge;
  let session: ClientHttp2Session;
  beforeEach(async () => {
    edge = await openEdge(engine, { deadline: { watchMaxAgeMs: 400 } });
    session = connect(`http://127.0.0.1:${edge.port}`);
  });
  afterEach(async () => {
    session.destroy();
    await edge.stop();
  });

  function open(path: string): ClientHttp2Stream {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
    });
    stream.on('error', () => undefined).end(frame());
    return stream;
  }

  test('arrives in order and whole', async () => {
    edge.handlers.stream = (_request, context) => {
      context.responseHeader.set('etag', '"1"');
      return chunks(200, 1_000);
    };
    const answer = await rawCall(edge.port, { path: SWAGGER });
    expect(answer.code).toBe(0);
    expect(answer.headers['etag']).toBe('"1"');
    const size = answer.body.length / 200;
    const order = Array.from({ length: 200 }, (_, index) => answer.body[index * size + 20]);
    expect(order).toEqual(Array.from({ length: 200 }, (_, index) => index));
    expect(edge.lines).toMatchObject([{ code: 'OK', messages: 200 }]);
  });

  test('that fails before its first message is refused without one', async () => {
    edge.handlers.stream = () => {
      throw new DomainError('ASSET_NOT_FOUND', 'There is no such file.');
    };
    const answer = await rawCall(edge.port, { path: SWAGGER });
    expect([answer.code, answer.reason]).toEqual([Code.NotFound, 'ASSET_NOT_FOUND']);
    if (engine === 'grpc-js') expect(answer.isTrailersOnly).toBe(true);
  });

  test('that fails while it is read ends with status and details', async () => {
    edge.handlers.stream = async function* () {
      yield* chunks(3, 10);
      throw new DomainError('CURSOR_TOO_OLD', 'Read the snapshot first.');
    };
    const answer = await rawCall(edge.port, { path: SWAGGER });
    expect([answer.code, answer.reason]).toEqual([Code.OutOfRange, 'CURSOR_TOO_OLD']);
    expect(answer.body.length).toBeGreaterThan(30);
    expect(edge.lines).toMatchObject([{ code: 'OUT_OF_RANGE', messages: 3 }]);
  });

  test('that fails unexpectedly while it is read tells nothing and logs a defect', async () => {
    edge.handlers.stream = async function* () {
      yield* chunks(1, 10);
      throw new Error('hunter2');
    };
    const answer = await rawCall(edge.port, { path: SWAGGER });
    expect([answer.code, answer.message]).toEqual([Code.Internal, 'internal error']);
    expect(edge.lines.map(({ event }) => event)).toEqual(['rpc.defect', 'rpc']);
  });

  test('is made no faster than a slow client reads', async () => {
    let made = 0;
    edge.handlers.stream = async function* () {
      for (; made < 2_000; made += 1) {
        await Promise.resolve();
        yield { data: Buffer.alloc(16_384) };
      }
    };
    const stream = open(SWAGGER);
    stream.pause();
    await delay(200);
    const madeForNobody = made;
    expect(madeForNobody).toBeLessThan(200);
    stream.close(8);
    await until(() => edge.lines.length > 0);
    expect(edge.lines).toMatchObject([{ code: 'CANCELLED' }]);
  });

  test('ends at once when the client leaves, and its handler is told', async () => {
    let isCleanedUp = false;
    edge.handlers.stream = async function* (_request, context) {
      try {
        yield { contentType: 'text/plain' };
        await new Promise((resolve) => {
          context.signal.addEventListener('abort', resolve);
        });
      } finally {
        isCleanedUp = true;
      }
    };
    const stream = open(SWAGGER);
    await new Promise((resolve) => stream.once('data', resolve));
    stream.close(8);
    await until(() => isCleanedUp && edge.lines.length > 0);
    expect(edge.lines).toMatchObject([{ code: 'CANCELLED', messages: 1 }]);
  });

  test('of a deaf handler is over for us when the client leaves', async () => {
    edge.handlers.stream = deaf;
    const stream = open(SWAGGER);
    await new Promise((resolve) => stream.once('data', resolve));
    stream.close(8);
    await until(() => edge.lines.length > 0);
    expect(edge.lines).toMatchObject([{ code: 'CANCELLED' }]);
    expect(await edge.metrics.metrics()).toMatch(/whispr_rpc_open_streams\{.*\} 0/);
  });

  test('ends OK at its maximum age, even if its handler is deaf', async () => {
    edge.handlers.stream = deaf;
    const started = performance.now();
    const answer = await rawCall(edge.port, { path: SWAGGER });
    expect(answer.code).toBe(0);
    expect(performance.now() - started).toBeGreaterThan(350);
  });

  test('ends with UNAVAILABLE and RetryInfo when the replica drains', async () => {
    edge.handlers.stream = deaf;
    const answering = rawCall(edge.port, { path: SWAGGER });
    await delay(100);
    edge.drain.start();
    const answer = await answering;
    expect([answer.code, answer.reason]).toEqual([Code.Unavailable, 'SHUTTING_DOWN']);
    expect(answer.detail(RetryInfoSchema)?.retryDelay?.seconds).toBe(1n);
  });

  test('opened during the drain is refused the same way', async () => {
    edge.handlers.stream = deaf;
    edge.drain.start();
    const answer = await rawCall(edge.port, { path: SWAGGER });
    expect([answer.code, answer.reason]).toEqual([Code.Unavailable, 'SHUTTING_DOWN']);
  });

  test('ends when the token that opened it does', async () => {
    edge.handlers.stream = deaf;
    const headers = { authorization: 'Bearer living-150' };
    const answer = await rawCall(edge.port, { path: WATCH, headers });
    expect([answer.code, answer.reason]).toEqual([Code.Unauthenticated, 'TOKEN_EXPIRED']);
  });

  test('ends at the client’s deadline', async () => {
    edge.handlers.stream = deaf;
    const headers = { 'grpc-timeout': '100m' };
    const answer = await rawCall(edge.port, { path: SWAGGER, headers });
    expect([answer.code, answer.reason]).toEqual([Code.DeadlineExceeded, 'DEADLINE_PASSED']);
  });

  test('ends when its session is revoked', async () => {
    let revoke: () => void = () => undefined;
    const revocable = await openEdge(engine, {
      deadline: {
        watchSession: (_principal, ended) => {
          revoke = ended;
          return () => undefined;
        },
      },
    });
    revocable.handlers.stream = deaf;
    const headers = { authorization: `Bearer ${LIVING_TOKEN}` };
    const answering = rawCall(revocable.port, { path: WATCH, headers });
    await delay(100);
    revoke();
    const answer = await answering;
    expect([answer.code, answer.reason]).toEqual([Code.Unauthenticated, 'SESSION_REVOKED']);
    await revocable.stop();
  });
});
