import { create, isMessage, toBinary } from '@bufbuild/protobuf';
import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import type {
  HandlerContext,
  Interceptor,
  MethodImpl,
  StreamResponse,
  UnaryResponse,
} from '@connectrpc/connect';
import type { StatusObject, handleUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { toConnectError, toDomainError } from './error-map.ts';
import { GrpcStreamCall, GrpcUnaryCall } from './grpc-call.ts';
import type { Binding } from './grpc-call.ts';
import { toMetadata, toStatus } from './grpc-metadata.ts';
import { transportKey } from './transport.ts';

/** The rest of a chain: Connect does not export this type. */
export type Next = Parameters<Interceptor>[0];
export type AnyRequest = Parameters<Next>[0];
export type AnyResponse = UnaryResponse | StreamResponse;
type Respond = sendUnaryData<Buffer>;

/**
 * A handler of Connect's shape as a grpc-js handler. grpc-js gets and gives plain bytes: decoding
 * and encoding happen inside the chain, which is folded here, once per method.
 */
export function unaryHandler(
  binding: Binding<DescMethodUnary>,
  implementation: MethodImpl<DescMethodUnary>,
  interceptors: readonly Interceptor[],
): handleUnaryCall<Buffer, Buffer> {
  const chain = folded(interceptors, async (request) => {
    if (request.stream) throw new Error('A unary method got a stream');
    const context = contextOf(request);
    const output = await implementation(request.message, context);
    return new UnaryReply(binding.method, context, output);
  });
  return (surface, respond) => {
    const call = new GrpcUnaryCall(binding, surface);
    chain(call).then(
      (response) => {
        answer(call, response, respond);
      },
      (error: unknown) => {
        respond(statusOfThrown(error));
      },
    );
  };
}

/** First interceptor = outermost. */
export function folded(interceptors: readonly Interceptor[], innermost: Next): Next {
  return interceptors.reduceRight((next, interceptor) => interceptor(next), innermost);
}

/** The handler's context of a request, whatever interceptors wrapped around it. */
export function contextOf(request: AnyRequest): HandlerContext {
  const transport = request.contextValues.get(transportKey);
  if (transport instanceof GrpcUnaryCall || transport instanceof GrpcStreamCall) return transport;
  throw new Error('The request is not of this engine');
}

/** The message that a handler returned, as an init object or as a message, and its bytes. */
export function encoded<Desc extends DescMessage>(
  schema: Desc,
  output: MessageInitShape<Desc>,
): { message: MessageShape<Desc>; bytes: Buffer } {
  const message = isMessage(output, schema) ? output : create(schema, output);
  const bytes = toBinary(schema, message);
  return { message, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

/** An error's status for grpc-js, whatever was thrown. */
export function statusOfThrown(thrown: unknown): StatusObject {
  return toStatus(thrown instanceof ConnectError ? thrown : toConnectError(toDomainError(thrown)));
}

class UnaryReply implements UnaryResponse {
  readonly stream = false;
  readonly method: DescMethodUnary;
  readonly message: MessageShape<DescMessage>;
  readonly bytes: Buffer;
  readonly #context: HandlerContext;

  constructor(
    method: DescMethodUnary,
    context: HandlerContext,
    output: MessageInitShape<DescMessage>,
  ) {
    const { message, bytes } = encoded(method.output, output);
    this.method = method;
    this.message = message;
    this.bytes = bytes;
    this.#context = context;
  }

  get service() {
    return this.method.parent;
  }

  get header() {
    return this.#context.responseHeader;
  }

  get trailer() {
    return this.#context.responseTrailer;
  }
}

/** Initial metadata goes out with the message, never before it: an error must be trailers-only. */
function answer(call: GrpcUnaryCall, response: AnyResponse, respond: Respond) {
  try {
    if (!(response instanceof UnaryReply)) throw new Error('An interceptor replaced the response');
    const { setHeader, setTrailer } = call;
    const header = setHeader && toMetadata(setHeader);
    const trailer = setTrailer && toMetadata(setTrailer);
    if (header !== undefined) call.sendMetadata(header);
    respond(null, response.bytes, trailer);
  } catch (error) {
    respond(statusOfThrown(error));
  }
}
