import { fromBinary } from '@bufbuild/protobuf';
import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageShape,
} from '@bufbuild/protobuf';
import { createContextValues } from '@connectrpc/connect';
import type { HandlerContext, StreamRequest, UnaryRequest } from '@connectrpc/connect';
import type { Metadata, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import { DomainError } from '../errors.ts';
import { callIn } from './call.ts';
import { plainAddress } from './edge.ts';
import { toHeaders } from './grpc-metadata.ts';
import { transportKey } from './transport.ts';
import type { Transport } from './transport.ts';

type AnyMessage = MessageShape<DescMessage>;
/** Requests and answers are unary or a stream of answers; no RPC of ours streams requests. */
type ServedMethod = DescMethodUnary | DescMethodServerStreaming;

type Surface = ServerUnaryCall<Buffer, Buffer> | ServerWritableStream<Buffer, Buffer>;

/** What a method of the server is bound to, fixed at the start. */
export interface Binding<Method extends ServedMethod> {
  readonly method: Method;
  readonly path: string;
  readonly maxBytes: number;
}

/**
 * One object per call, in three parts: the interceptors' request, the handler's context and the
 * transport. Whatever costs something (headers, signal, the message) is made when it is asked for,
 * so a call that is refused early never decodes its message, and few calls ever make a signal.
 */
abstract class GrpcCall<Method extends ServedMethod> implements HandlerContext, Transport {
  readonly requestMethod = 'POST';
  readonly protocolName = 'grpc';
  readonly values = createContextValues();
  readonly method: Method;
  readonly #binding: Binding<Method>;
  readonly #surface: Surface;
  #controller: AbortController | undefined;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;
  #message: AnyMessage | undefined;

  constructor(binding: Binding<Method>, surface: Surface) {
    this.method = binding.method;
    this.#binding = binding;
    this.#surface = surface;
    this.values.set(transportKey, this);
  }

  get service() {
    return this.method.parent;
  }

  get url() {
    return `http://${this.#surface.getHost()}${this.#binding.path}`;
  }

  get contextValues() {
    return this.values;
  }

  get header() {
    return this.requestHeader;
  }

  get requestHeader() {
    this.#requestHeader ??= toHeaders(this.#surface.metadata);
    return this.#requestHeader;
  }

  get responseHeader() {
    this.#responseHeader ??= new Headers();
    return this.#responseHeader;
  }

  get responseTrailer() {
    this.#responseTrailer ??= new Headers();
    return this.#responseTrailer;
  }

  /** Undefined when nobody set any. */
  get setHeader() {
    return this.#responseHeader;
  }

  /** Undefined when nobody set any. */
  get setTrailer() {
    return this.#responseTrailer;
  }

  /** Aborted when the client goes away, and when the call is over. */
  get signal() {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      if (this.#surface.cancelled) controller.abort();
      else
        this.#surface.once('cancelled', () => {
          controller.abort();
        });
    }
    return this.#controller.signal;
  }

  get peerAddress() {
    return plainAddress(this.#surface.getPeer());
  }

  get deadlineAtMs() {
    return Number(this.#surface.getDeadline());
  }

  get isCancelled() {
    return this.#surface.cancelled;
  }

  headerValue(name: string): string | undefined {
    const values = this.#surface.metadata.get(name);
    const [value] = values;
    if (value === undefined) return undefined;
    return values.length === 1 ? String(value) : values.map(String).join(', ');
  }

  sendMetadata(metadata: Metadata): void {
    this.#surface.sendMetadata(metadata);
  }

  timeoutMs(): number | undefined {
    const { deadlineAtMs } = callIn(this.values);
    return deadlineAtMs === Infinity ? undefined : deadlineAtMs - Date.now();
  }

  /** @throws REQUEST_MALFORMED, MESSAGE_TOO_LARGE */
  protected decode(): AnyMessage {
    this.#message ??= decoded(this.#binding, this.#surface.request);
    return this.#message;
  }
}

export class GrpcUnaryCall extends GrpcCall<DescMethodUnary> implements UnaryRequest {
  readonly stream = false;

  get message(): AnyMessage {
    return this.decode();
  }
}

export class GrpcStreamCall extends GrpcCall<DescMethodServerStreaming> implements StreamRequest {
  readonly stream = true;

  get message(): AsyncIterable<AnyMessage> {
    return this.#only();
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- Connect's interface is asynchronous
  async *#only(): AsyncGenerator<AnyMessage> {
    yield this.decode();
  }
}

/** Inside the interceptor chain, so that bytes nobody can read are an error with a reason. */
function decoded({ method, maxBytes }: Binding<ServedMethod>, bytes: Buffer): AnyMessage {
  if (bytes.length > maxBytes) {
    const limit = `The request is larger than ${maxBytes} bytes.`;
    throw new DomainError('MESSAGE_TOO_LARGE', limit);
  }
  try {
    return fromBinary(method.input, bytes);
  } catch (cause) {
    throw new DomainError('REQUEST_MALFORMED', 'The request cannot be read.', { cause });
  }
}
