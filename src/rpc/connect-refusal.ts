import { Code, ConnectError } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import {
  codeFromString,
  codeToHttpStatus,
  errorToJsonBytes,
} from '@connectrpc/connect/protocol-connect';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import { trailerFlag, trailerParse, trailerSerialize } from '@connectrpc/connect/protocol-grpc-web';
import { encodeEnvelope } from '@connectrpc/connect/protocol';
import { DomainError } from '../errors.ts';
import { fromConnect, toConnectError } from './error-map.ts';
import type { HttpRequest, HttpResponse } from './http-listener.ts';
import type { CallRecorder } from './recorder.ts';

type Answer = Awaited<ReturnType<UniversalHandler>>;
type Body = AsyncIterable<Uint8Array>;

const DETAILS = 'grpc-status-details-bin';
const ENVELOPE_HEADER_BYTES = 5;
const CODE_BY_NUMBER: ReadonlyMap<number, Code> = new Map(
  Object.values(Code).flatMap((value) => (typeof value === 'number' ? [[value, value]] : [])),
);

/**
 * Gives a reason to what connect-node refuses by itself. It reads a unary request before it runs
 * the interceptors, so bytes, JSON, envelopes, compression, size and time-outs that it cannot take
 * are answered without them: in each protocol, an error without details is one of those.
 */
export function explained(handler: UniversalHandler, recorder: CallRecorder): UniversalHandler {
  const explain = (sent: ConnectError) => {
    const error = fromConnect(sent);
    const answer = toConnectError(error);
    recorder.refused(error.reason, answer.code);
    return answer;
  };
  // A GET carries its message in the query, and base64 that is none is thrown as a plain error.
  const explainGet = (sent: ConnectError) => {
    const isOfQuery = sent.code === Code.Internal && sent.rawMessage === 'internal error';
    return explain(isOfQuery ? new ConnectError('invalid query', Code.InvalidArgument) : sent);
  };
  const { protocolNames, service, method, requestPath } = handler;
  const { allowedMethods, supportedContentType } = handler;
  return Object.assign(
    async (request: Parameters<UniversalHandler>[0]) =>
      explainAnswer(await handler(request), request.method === 'GET' ? explainGet : explain),
    { protocolNames, service, method, requestPath, allowedMethods, supportedContentType },
  );
}

/** For a path that is no method's. */
export function refuseUnroutable(request: HttpRequest, response: HttpResponse): void {
  const error = toConnectError(new DomainError('METHOD_UNKNOWN', 'There is no such method.'));
  const contentType = request.headers['content-type'] ?? '';
  if (contentType.startsWith('application/grpc')) {
    const headers = setTrailerStatus(new Headers({ 'content-type': contentType }), error);
    response.writeHead(200, Object.fromEntries(headers));
    response.end();
    return;
  }
  refuseAsJson(response, error, 404);
}

/** For a request line and host that make no URL. */
export function refuseUnreadable(response: HttpResponse): void {
  const error = toConnectError(new DomainError('REQUEST_MALFORMED', 'The request cannot be read.'));
  refuseAsJson(response, error, 400);
}

function refuseAsJson(response: HttpResponse, error: ConnectError, status: number): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(errorToJsonBytes(error, undefined));
}

type Explain = (sent: ConnectError) => ConnectError;

async function explainAnswer(answer: Answer, explain: Explain): Promise<Answer> {
  const { header, body, trailer } = answer;
  const contentType = header?.get('content-type') ?? '';
  if (body === undefined || header === undefined) return answer;
  if (contentType.startsWith('application/grpc-web')) {
    return { ...answer, body: explainFrames(body, explain) };
  }
  if (contentType.startsWith('application/grpc')) {
    return trailer === undefined
      ? answer
      : { ...answer, body: explainTrailer(body, trailer, explain) };
  }
  return answer.status < 400 ? answer : explainJson(answer, body, explain);
}

/** gRPC: trailers are read when the body has ended. */
async function* explainTrailer(body: Body, trailer: Headers, explain: Explain) {
  yield* body;
  const sent = unexplained(trailer);
  if (sent !== undefined) setTrailerStatus(trailer, explain(sent));
}

/** gRPC-Web: trailers are the last frame of the body, and arrive as one chunk. */
async function* explainFrames(body: Body, explain: Explain): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    const isTrailer = ((chunk[0] ?? 0) & trailerFlag) !== 0;
    const trailer = isTrailer ? trailerParse(chunk.subarray(ENVELOPE_HEADER_BYTES)) : undefined;
    const sent = trailer && unexplained(trailer);
    if (trailer === undefined || sent === undefined) yield chunk;
    else {
      setTrailerStatus(trailer, explain(sent));
      yield encodeEnvelope(trailerFlag, trailerSerialize(trailer));
    }
  }
}

/** Connect: a JSON body, and its own status. Streams report errors through the interceptors. */
async function explainJson(answer: Answer, body: Body, explain: Explain): Promise<Answer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const sent = unexplainedJson(bytes);
  if (sent === undefined) return { ...answer, body: once(bytes) };
  const error = explain(sent);
  const explainedBytes = errorToJsonBytes(error, undefined);
  const header = new Headers(answer.header);
  header.set('content-length', String(explainedBytes.length));
  for (const [name, value] of error.metadata) header.set(name, value);
  return { ...answer, header, status: codeToHttpStatus(error.code), body: once(explainedBytes) };
}

function unexplained(trailer: Headers): ConnectError | undefined {
  const status = Number(trailer.get('grpc-status') ?? 0);
  if (status === 0 || trailer.has(DETAILS)) return undefined;
  const text = decodeURIComponent(trailer.get('grpc-message') ?? '');
  return new ConnectError(text, CODE_BY_NUMBER.get(status) ?? Code.Unknown);
}

function unexplainedJson(bytes: Buffer): ConnectError | undefined {
  const sent: unknown = JSON.parse(bytes.toString('utf8'));
  if (typeof sent !== 'object' || sent === null || 'details' in sent) return undefined;
  const code =
    'code' in sent && typeof sent.code === 'string' ? codeFromString(sent.code) : undefined;
  const text = 'message' in sent && typeof sent.message === 'string' ? sent.message : '';
  return new ConnectError(text, code ?? Code.Unknown);
}

// eslint-disable-next-line @typescript-eslint/require-await -- Connect's interface is asynchronous
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
