import { connect } from 'node:http2';
import type { ClientHttp2Stream, ClientSessionOptions, IncomingHttpHeaders } from 'node:http2';
import { fromBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { ErrorInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../gen/google/rpc/status_pb.ts';

export interface RawRequest {
  readonly path: string;
  /** Bytes of the request body; by default one empty message. */
  readonly body?: Buffer;
  readonly headers?: Record<string, string | string[]>;
}

/** An answer as it was on the wire, beneath every gRPC library. */
export interface RawAnswer {
  readonly headers: IncomingHttpHeaders;
  /** Headers and trailers together: a trailers-only answer has its status in the headers. */
  readonly trailers: IncomingHttpHeaders;
  readonly isTrailersOnly: boolean;
  readonly body: Buffer;
  readonly code: number;
  readonly message: string;
  readonly detailBytes: number;
  readonly reason: string | undefined;
  readonly domain: string | undefined;
  detail<Desc extends DescMessage>(schema: Desc): MessageShape<Desc> | undefined;
}

/** Newer than the types of Node's http2. */
const LENIENT: ClientSessionOptions & { strictSingleValueFields: boolean } = {
  strictSingleValueFields: false,
};

/** A gRPC frame: flag, length, message. */
export function frame(message: Uint8Array = new Uint8Array(), flag = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Sends raw bytes as one gRPC call over a connection of its own. */
export async function rawCall(port: number, request: RawRequest): Promise<RawAnswer> {
  // Two `authorization` headers are what a test may want to send.
  const session = connect(`http://127.0.0.1:${port}`, LENIENT);
  session.on('error', () => undefined);
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': request.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...request.headers,
    });
    stream.end(request.body ?? frame());
    return await answerOf(stream);
  } finally {
    session.destroy();
  }
}

async function answerOf(stream: ClientHttp2Stream): Promise<RawAnswer> {
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on('response', (received) => {
    headers = received;
  });
  stream.on('trailers', (received: IncomingHttpHeaders) => {
    trailers = received;
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise<void>((resolve) => {
    stream.on('error', () => undefined).on('close', resolve);
  });
  return readAnswer(headers, trailers, Buffer.concat(chunks));
}

function readAnswer(
  headers: IncomingHttpHeaders,
  trailers: IncomingHttpHeaders,
  body: Buffer,
): RawAnswer {
  const all = { ...headers, ...trailers };
  const details = String(all['grpc-status-details-bin'] ?? '');
  const bytes = Buffer.from(details, 'base64');
  const status = fromBinary(StatusSchema, bytes);
  const detail = <Desc extends DescMessage>(schema: Desc) => {
    const any = status.details.find(({ typeUrl }) => typeUrl.endsWith(`/${schema.typeName}`));
    return any && fromBinary(schema, any.value);
  };
  const info = detail(ErrorInfoSchema);
  return {
    headers,
    trailers: all,
    isTrailersOnly: 'grpc-status' in headers,
    body,
    code: Number(all['grpc-status'] ?? -1),
    message: decodeURIComponent(String(all['grpc-message'] ?? '')),
    detailBytes: bytes.length,
    reason: info?.reason,
    domain: info?.domain,
    detail,
  };
}
