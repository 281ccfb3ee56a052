import { connect as connectTcp } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { ErrorInfoSchema, RetryInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { OpsService } from '../../gen/whispr/ops/v1/ops_service_pb.ts';
import { DomainError } from '../../src/errors.ts';
import { openEdge } from './edge.ts';
import type { Edge } from './edge.ts';

let edge: Edge;
beforeAll(async () => {
  edge = await openEdge('connect-node');
});
afterAll(() => edge.stop());

async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => {
      throw new Error('The call was not refused');
    },
    (error: unknown) => ConnectError.from(error),
  );
}

function post(path: string, body: string, headers: Record<string, string> = {}) {
  const url = `http://127.0.0.1:${edge.port}${path}`;
  return fetch(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** An error of the Connect protocol; its first detail is the ErrorInfo. */
async function refusalOf(response: Response) {
  const body: unknown = await response.json();
  const text = JSON.stringify(body);
  const [, info = ''] = /"type":"google\.rpc\.ErrorInfo","value":"([^"]+)"/.exec(text) ?? [];
  return { status: response.status, body, info: Buffer.from(info, 'base64').toString() };
}

const clients = [
  [
    'Connect over HTTP/1.1',
    (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '1.1' }),
  ],
  [
    'Connect over HTTP/2',
    (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '2' }),
  ],
  [
    'Connect in JSON',
    (baseUrl: string) =>
      createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false }),
  ],
  ['gRPC-Web', (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
] as const;

describe.each(clients)('a %s client', (_name, transportTo) => {
  function auth() {
    return createClient(AuthService, transportTo(`http://127.0.0.1:${edge.port}`));
  }

  test('gets an answer', async () => {
    edge.handlers.unary = () => ({ accessToken: 'a' });
    const answer = await auth().refreshTokens({ refreshToken: 'r' });
    expect(answer.accessToken).toBe('a');
  });

  test('gets a refusal with its details', async () => {
    edge.handlers.unary = () => {
      throw new DomainError('RATE_LIMITED', 'Too often.', { retryDelayMs: 2_000 });
    };
    const error = await failureOf(auth().refreshTokens({ refreshToken: 'r' }));
    expect([error.code, error.rawMessage]).toEqual([Code.ResourceExhausted, 'Too often.']);
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: 'RATE_LIMITED' }]);
    expect(error.findDetails(RetryInfoSchema)).toHaveLength(1);
    expect(error.metadata.get('retry-after')).toBe('2');
  });

  test('gets a reason for what the engine itself refuses', async () => {
    const error = await failureOf(auth().refreshTokens({ refreshToken: 'r'.repeat(80_000) }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: 'MESSAGE_TOO_LARGE' }]);
  });

  test('gets a stream, and the error that ends it', async () => {
    edge.handlers.stream = async function* () {
      yield await Promise.resolve({ contentType: 'text/plain' });
      throw new DomainError('LOG_HALTED', 'Halted.');
    };
    const ops = createClient(OpsService, transportTo(`http://127.0.0.1:${edge.port}`));
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { contentType } of ops.getSwagger({})) seen.push(contentType);
    })();
    const error = await failureOf(reading);
    expect(seen).toEqual(['text/plain']);
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: 'LOG_HALTED' }]);
  });
});

describe('JSON that connect-node cannot read', () => {
  const path = '/whispr.auth.v1.AuthService/RefreshTokens';

  test.each([
    ['broken', '{"refreshToken": '],
    ['of a wrong type', '{"refreshToken": {"a": 1}}'],
    ['no object', '"text"'],
    ['too deep', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
  ])('%s is REQUEST_MALFORMED and is not quoted', async (_what, body) => {
    const { status, info, body: answer } = await refusalOf(await post(path, body));
    expect([status, info]).toEqual([400, expect.stringContaining('REQUEST_MALFORMED')]);
    const message = 'The request cannot be read.';
    expect(answer).toMatchObject({ code: 'invalid_argument', message });
  });

  test('unknown fields are ignored', async () => {
    edge.handlers.unary = () => ({});
    const response = await post(path, '{"refreshToken": "r", "else": {"deep": [1]}}');
    expect(response.status).toBe(200);
  });

  test('a time-out or a compression nobody knows is REQUEST_MALFORMED', async () => {
    const headers: Record<string, string>[] = [
      { 'connect-timeout-ms': 'soon' },
      { 'content-encoding': 'zstd' },
    ];
    for (const header of headers) {
      const { info } = await refusalOf(await post(path, '{"refreshToken":"r"}', header));
      expect(info).toContain('REQUEST_MALFORMED');
    }
  });

  test('a GET of a safe method with bad base64 is REQUEST_MALFORMED', async () => {
    const query = 'connect=v1&encoding=proto&base64=1&message=%25%25';
    const url = `http://127.0.0.1:${edge.port}/whispr.ops.v1.OpsService/GetLiveness?${query}`;
    const { status, info } = await refusalOf(await fetch(url));
    expect([status, info]).toEqual([400, expect.stringContaining('REQUEST_MALFORMED')]);
  });

  test('an unknown path is 404 with METHOD_UNKNOWN', async () => {
    const { status, body } = await refusalOf(await post('/nothing', '{}'));
    expect([status, body]).toEqual([404, expect.objectContaining({ code: 'unimplemented' })]);
  });
});

describe('a connection to connect-node', () => {
  function exchange(...pieces: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connectTcp(edge.port, '127.0.0.1');
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      socket.on('close', () => {
        resolve(Buffer.concat(chunks).toString('latin1'));
      });
      socket.setNoDelay();
      const send = (index: number) => {
        const piece = pieces[index];
        if (piece === undefined) return;
        socket.write(piece);
        setTimeout(send, 20, index + 1);
      };
      send(0);
    });
  }

  test('may begin byte by byte', async () => {
    const body = '{}';
    const head = `POST /whispr.ops.v1.OpsService/GetLiveness HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`;
    edge.handlers.unary = () => ({ status: 'live' });
    const answer = await exchange('P', 'O', head.slice(2), body);
    expect(answer).toMatch(/^HTTP\/1.1 200 [^]*"live"/);
  });

  test('with a host that makes no URL is answered, not crashed', async () => {
    const head = `POST /whispr.ops.v1.OpsService/GetLiveness HTTP/1.1\r\nhost: a b[\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}`;
    expect(await exchange(head)).toMatch(/^HTTP\/1.1 400/);
  });

  test('that speaks no HTTP is closed', async () => {
    expect(await exchange('GARBAGE\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
  });
});
