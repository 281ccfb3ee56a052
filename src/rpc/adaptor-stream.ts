import type { DescMessage, DescMethodServerStreaming, MessageShape } from '@bufbuild/protobuf';
import type { HandlerContext, Interceptor, MethodImpl, StreamResponse } from '@connectrpc/connect';
import type { ServerWritableStream, handleServerStreamingCall } from '@grpc/grpc-js';
import { contextOf, encoded, folded, statusOfThrown } from './adaptor.ts';
import type { AnyResponse } from './adaptor.ts';
import { GrpcStreamCall } from './grpc-call.ts';
import type { Binding } from './grpc-call.ts';
import { toMetadata } from './grpc-metadata.ts';

type AnyMessage = MessageShape<DescMessage>;
type StreamImplementation = MethodImpl<DescMethodServerStreaming>;
type Sink = ServerWritableStream<Buffer, Buffer>;

/** A server-streaming handler of Connect's shape as a grpc-js handler; see `unaryHandler`. */
export function streamHandler(
  binding: Binding<DescMethodServerStreaming>,
  implementation: StreamImplementation,
  interceptors: readonly Interceptor[],
): handleServerStreamingCall<Buffer, Buffer> {
  const chain = folded(interceptors, async (request) => {
    if (!request.stream) throw new Error('A stream method got a unary request');
    const context = contextOf(request);
    const output = implementation(await first(request.message), context);
    return new StreamReply(binding.method, context, encodedMessages(binding.method.output, output));
  });
  return (sink) => {
    const call = new GrpcStreamCall(binding, sink);
    chain(call)
      .then((response) => send(call, response, sink))
      .catch((error: unknown) => sink.emit('error', statusOfThrown(error)));
  };
}

class StreamReply implements StreamResponse {
  readonly stream = true;
  readonly method: DescMethodServerStreaming;
  readonly message: AsyncIterable<AnyMessage>;
  readonly #context: HandlerContext;

  constructor(
    method: DescMethodServerStreaming,
    context: HandlerContext,
    message: AsyncIterable<AnyMessage>,
  ) {
    this.method = method;
    this.#context = context;
    this.message = message;
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

/** The bytes of messages on their way out: encoded inside the chain, which sees messages only. */
const bytesOf = new WeakMap<AnyMessage, Buffer>();

async function* encodedMessages(
  schema: DescMessage,
  output: ReturnType<StreamImplementation>,
): AsyncGenerator<AnyMessage> {
  for await (const init of output) {
    const { message, bytes } = encoded(schema, init);
    bytesOf.set(message, bytes);
    yield message;
  }
}

async function first(messages: AsyncIterable<AnyMessage>): Promise<AnyMessage> {
  for await (const message of messages) return message;
  throw new Error('The request has no message');
}

/**
 * Sends the messages no faster than the client reads them. The client's leaving ends the stream at
 * once: the iterator is closed even while its handler waits for something to say.
 */
async function send(call: GrpcStreamCall, response: AnyResponse, sink: Sink): Promise<void> {
  if (!response.stream) throw new Error('An interceptor replaced the stream');
  const messages = response.message[Symbol.asyncIterator]();
  sink.once('cancelled', () => void messages.return?.());
  let isFirst = true;
  for (;;) {
    const next = await messages.next();
    if (next.done === true) break;
    const { setHeader } = call;
    if (isFirst && setHeader !== undefined) call.sendMetadata(toMetadata(setHeader));
    isFirst = false;
    const bytes = bytesOf.get(next.value);
    if (bytes === undefined) throw new Error('An interceptor replaced a message');
    if (!sink.write(bytes)) await drained(sink);
  }
  sink.end(call.setTrailer && toMetadata(call.setTrailer));
}

/** Waits until the client has read, or is gone. */
function drained(sink: Sink): Promise<void> {
  if (sink.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      sink.off('drain', done).off('close', done);
      resolve();
    };
    sink.on('drain', done).on('close', done);
  });
}
