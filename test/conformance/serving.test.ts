import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Client, credentials } from '@grpc/grpc-js';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { Code } from '@connectrpc/connect';
import { ENGINES, openEdge } from './edge.ts';
import type { Edge } from './edge.ts';
import { frame, rawCall } from './raw-call.ts';

const LIVENESS = '/whispr.ops.v1.OpsService/GetLiveness';
const SWAGGER = '/whispr.ops.v1.OpsService/GetSwagger';
const CHECK = '/grpc.health.v1.Health/Check';
const WATCH_HEALTH = '/grpc.health.v1.Health/Watch';

const same = (bytes: Buffer) => bytes;

function clientOf(edge: Edge): Client {
  return new Client(`127.0.0.1:${edge.port}`, credentials.createInsecure());
}

function openStream(client: Client, path: string): ClientReadableStream<Buffer> {
  return client.makeServerStreamRequest(path, same, same, Buffer.alloc(0));
}

/** `{ service: name }` of grpc.health.v1. */
function healthRequest(name: string): Buffer {
  return frame(Buffer.from([0x0a, name.length, ...Buffer.from(name)]));
}

async function* deaf() {
  yield { contentType: 'text/plain' };
  await new Promise(() => undefined);
}

describe.each(ENGINES)('stopping %s', (engine) => {
  let edge: Edge;
  beforeEach(async () => {
    edge = await openEdge(engine);
  });

  test('lets every accepted call finish', async () => {
    let accepted = 0;
    edge.handlers.unary = async () => {
      accepted += 1;
      await delay(150);
      return { status: 'live' };
    };
    const calls = Array.from({ length: 20 }, () => rawCall(edge.port, { path: LIVENESS }));
    while (accepted < 20) await delay(5);
    await edge.stop(2_000);
    const codes = (await Promise.all(calls)).map(({ code }) => code);
    expect(codes).toEqual(codes.map(() => 0));
  });

  test('is not held up by an open watch, which is told to come back', async () => {
    const opened = Promise.withResolvers<undefined>();
    edge.handlers.stream = () => {
      opened.resolve(undefined);
      return deaf();
    };
    const watching = rawCall(edge.port, { path: SWAGGER });
    await opened.promise;
    edge.drain.start();
    const started = performance.now();
    await edge.stop(5_000);
    expect(performance.now() - started).toBeLessThan(1_000);
    const { code, reason } = await watching;
    expect([code, reason]).toEqual([Code.Unavailable, 'SHUTTING_DOWN']);
  });

  test('cuts off what outlasts its time-out', async () => {
    const accepted = Promise.withResolvers<undefined>();
    edge.handlers.unary = () => {
      accepted.resolve(undefined);
      return new Promise(() => undefined);
    };
    const call = rawCall(edge.port, { path: LIVENESS });
    await accepted.promise;
    const started = performance.now();
    await edge.stop(200);
    expect(performance.now() - started).toBeLessThan(1_500);
    expect((await call).code).not.toBe(0);
    expect(performance.now() - started).toBeLessThan(1_500);
  });

  test('refuses connections afterwards', async () => {
    await edge.stop();
    const answer = await rawCall(edge.port, { path: LIVENESS });
    expect(answer.code).toBe(-1);
  });
});

describe('beside the services grpc-js', () => {
  let edge: Edge;
  let client: Client;
  beforeEach(async () => {
    edge = await openEdge('grpc-js');
    client = clientOf(edge);
  });
  afterEach(async () => {
    client.close();
    await edge.stop();
  });

  async function statusOf(service: string): Promise<number> {
    const answer = await rawCall(edge.port, { path: CHECK, body: healthRequest(service) });
    // A HealthCheckResponse is one enum field: 1 = SERVING, 2 = NOT_SERVING.
    return answer.code === 0 ? (answer.body[6] ?? 0) : -answer.code;
  }

  test('answers health for itself, each service and each store', async () => {
    expect(await statusOf('')).toBe(2);
    edge.showHealth({ status: 'degraded', stores: { postgres: 'up', redis: 'down' } });
    expect(await statusOf('')).toBe(1);
    expect(await statusOf('whispr.auth.v1.AuthService')).toBe(1);
    expect(await statusOf('whispr.dependency.redis')).toBe(2);
    expect(await statusOf('whispr.dependency.postgres')).toBe(1);
    expect(await statusOf('unknown')).toBe(-Code.NotFound);
    edge.showHealth({ status: 'not_ready', stores: { postgres: 'down', redis: 'up' } });
    expect(await statusOf('whispr.auth.v1.AuthService')).toBe(2);
  });

  test('health needs no token and leaves no log line', async () => {
    await statusOf('');
    expect(edge.lines).toEqual([]);
  });

  test('a health watch sees the change and does not hold up the stop', async () => {
    const watch = openStream(client, WATCH_HEALTH);
    const states: number[] = [];
    watch.on('data', (message: Buffer) => states.push(message[1] ?? 0));
    const ended = new Promise((resolve) => watch.on('error', resolve));
    await delay(50);
    edge.showHealth({ status: 'ready', stores: {} });
    await delay(50);
    const started = performance.now();
    await edge.stop(5_000);
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(states).toEqual([2, 1]);
    expect(await ended).toMatchObject({ code: Code.Unavailable });
  });

  test('reflection lists the services and knows their files', async () => {
    const call = client.makeBidiStreamRequest(
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      same,
      same,
    );
    const answers: Buffer[] = [];
    call.on('data', (message: Buffer) => answers.push(message));
    for (const request of [
      { field: 7, text: '*' }, // list_services
      { field: 4, text: 'whispr.auth.v1.AuthService' }, // file_containing_symbol
      { field: 3, text: 'buf/validate/validate.proto' }, // file_by_filename
    ]) {
      const text = Buffer.from(request.text);
      call.write(Buffer.from([(request.field << 3) | 2, text.length, ...text]));
    }
    call.end();
    await new Promise((resolve) => call.on('end', resolve));
    const [services, files, rules] = answers.map((answer) => answer.toString('latin1'));
    expect(services?.includes('whispr.ops.v1.OpsService')).toBe(true);
    expect(files?.includes('whispr/auth/v1/session.proto')).toBe(true);
    expect(rules?.includes('FieldRules')).toBe(true);
  });

  test('a call that is not gRPC gets 415', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await rawCall(edge.port, { path: LIVENESS, headers });
    expect(answer.headers[':status']).toBe(415);
  });

  test('a header that gRPC does not allow breaks nothing and is not printed', async () => {
    const answer = await rawCall(edge.port, { path: LIVENESS, headers: { 'x-odd': 'caf\u00e9' } });
    expect(answer.code).toBe(0);
  });
});
