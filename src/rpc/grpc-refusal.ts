import type { Http2Server, IncomingHttpHeaders } from 'node:http2';
import { ServerInterceptingCall, status as Status } from '@grpc/grpc-js';
import type {
  Server,
  ServerDuplexStream,
  ServerInterceptingCallInterface,
  ServerInterceptor,
  StatusObject,
} from '@grpc/grpc-js';
import { DomainError } from '../errors.ts';
import { toConnectError } from './error-map.ts';
import { toStatus } from './grpc-metadata.ts';
import type { CallRecorder } from './recorder.ts';
import { deadlinePassed } from './stream-life.ts';

type Inner = ServerInterceptingCallInterface;
type SentStatus = Parameters<Inner['sendStatus']>[0];

const DETAILS = 'grpc-status-details-bin';
const UNKNOWN_PATH = '/whispr.Unknown/Unknown';

/** Gives a reason to what grpc-js refuses by itself, before or instead of a handler. */
export function explainRefusals(recorder: CallRecorder): ServerInterceptor {
  return (_method, call) => new ExplainedCall(call, recorder);
}

/**
 * grpc-js refuses (0 or 2 messages, too large, bad compression, bad time-out header, passed
 * deadline) from inside its innermost call object, past all interceptors: so that object's own
 * `sendStatus` is replaced. Everything else goes straight to it, without the layer of listeners
 * that the base class would put in between for each call.
 */
class ExplainedCall extends ServerInterceptingCall {
  readonly #inner: Inner;

  constructor(inner: Inner, recorder: CallRecorder) {
    super(inner);
    this.#inner = inner;
    const send = inner.sendStatus.bind(inner);
    inner.sendStatus = (sent) => {
      send(sent.code === Status.OK ? sent : explained(sent, recorder));
    };
  }

  override start(listener: Parameters<Inner['start']>[0]): void {
    this.#inner.start(listener);
  }

  override sendMetadata(metadata: Parameters<Inner['sendMetadata']>[0]): void {
    this.#inner.sendMetadata(metadata);
  }

  override sendMessage(message: unknown, callback: () => void): void {
    this.#inner.sendMessage(message, callback);
  }

  override sendStatus(sent: SentStatus): void {
    this.#inner.sendStatus(sent);
  }

  /** The address alone: grpc-js's own text joins address and port, and looks both up per call. */
  override getPeer(): string {
    return this.#inner.getConnectionInfo().remoteAddress ?? 'unknown';
  }
}

/**
 * Sends calls of unknown methods to a handler that answers METHOD_UNKNOWN; grpc-js itself answers
 * without details and knows no fallback (grpc-node issue 1572). Also puts back what Node drops: of
 * two `authorization` headers it keeps the first, and a call must not choose its token by order.
 * Reaches into grpc-js, whose version is pinned: the start fails when that changes.
 */
export function adoptStrayCalls(server: Server): void {
  const handlers: unknown = Reflect.get(server, 'handlers');
  if (!(handlers instanceof Map)) throw new Error('This grpc-js keeps its handlers elsewhere');
  server.register(UNKNOWN_PATH, refuseUnknown, sameBytes, sameBytes, 'bidi');
  for (const http2Server of http2ServersOf(server)) {
    http2Server.prependListener('stream', (...[, headers, , rawHeaders]) => {
      if (!handlers.has(headers[':path'])) headers[':path'] = UNKNOWN_PATH;
      if (countOf('authorization', rawHeaders) > 1) spoilToken(headers);
    });
  }
}

/** The HTTP/2 servers beneath a bound server. */
export function http2ServersOf(server: Server): Http2Server[] {
  const http2Servers: unknown = Reflect.get(server, 'http2Servers');
  if (http2Servers instanceof Map) return [...(http2Servers.keys() as Iterable<Http2Server>)];
  throw new Error('This grpc-js keeps its HTTP/2 servers elsewhere');
}

/** grpc-js's serialisers: messages are coded inside the interceptor chain. */
export function sameBytes(bytes: Buffer): Buffer {
  return bytes;
}

function refuseUnknown(call: ServerDuplexStream<Buffer, Buffer>): void {
  call.emit('error', statusOf(new DomainError('METHOD_UNKNOWN', 'There is no such method.')));
}

function countOf(name: string, rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index] === name) count += 1;
  }
  return count;
}

/** A comma is in no token, so `access` refuses it. */
function spoilToken(headers: IncomingHttpHeaders): void {
  headers.authorization = `${headers.authorization ?? ''},`;
}

function explained(sent: SentStatus, recorder: CallRecorder): SentStatus {
  if (sent.metadata?.get(DETAILS).length) return sent;
  const error = reasonFor(sent);
  if (error === undefined) return sent;
  const answer = statusOf(error);
  if (error.reason !== 'DEADLINE_PASSED')
    recorder.refused(error.reason, toConnectError(error).code);
  return answer;
}

function statusOf(error: DomainError): StatusObject {
  return toStatus(toConnectError(error));
}

/** By grpc-js's own texts; health and reflection answer in their standards' words. */
function reasonFor({ code, details }: SentStatus): DomainError | undefined {
  if (code === Status.DEADLINE_EXCEEDED) return deadlinePassed();
  if (/^Received message (larger|that decompresses)/.test(details)) {
    return new DomainError('MESSAGE_TOO_LARGE', 'The request is too large.');
  }
  const isUnreadable =
    /^(Invalid grpc-timeout|Failed to decompress|Received message compressed|Received (no|a second) request)/;
  if (isUnreadable.test(details)) {
    return new DomainError('REQUEST_MALFORMED', 'The request cannot be read.');
  }
  if (code === Status.INTERNAL || code === Status.UNKNOWN)
    return new DomainError('INTERNAL', 'internal error');
  return undefined;
}
