/** Frame types and flags of RFC 9113 that a gRPC client meets. */
export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const;
export const END_STREAM = 1;
export const ACK = 1;
const END_HEADERS = 4;
export const FRAME_HEAD_BYTES = 9;

const GRPC_HEAD_BYTES = 5;

/** A header block without any dynamic table: the same bytes in every call, so encoded once. */
export function headerBlock(
  path: string,
  authority: string,
  headers: Readonly<Record<string, string>>,
): Buffer {
  const extra = Object.entries(headers).map(([name, value]) => literalHeader(name, value));
  return Buffer.concat([
    // RFC 7541, appendix A: 3 = ":method: POST", 6 = ":scheme: http", 4 = ":path", 1 = ":authority".
    Buffer.from([0x83, 0x86]),
    Buffer.concat([Buffer.from([0x04]), text(path)]),
    Buffer.concat([Buffer.from([0x01]), text(authority)]),
    literalHeader('content-type', 'application/grpc'),
    literalHeader('te', 'trailers'),
    ...extra,
  ]);
}

/** One header as RFC 7541 §6.2.2 writes it: literal, not indexed, new name. */
export function literalHeader(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x00]), text(name), text(value)]);
}

/** A message with gRPC's prefix: not compressed, and its length. */
export function grpcFrame(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(GRPC_HEAD_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, GRPC_HEAD_BYTES);
  return frame;
}

/** The message of a unary answer. */
export function grpcMessage(data: Buffer): Buffer {
  return data.subarray(GRPC_HEAD_BYTES, GRPC_HEAD_BYTES + data.readUInt32BE(1));
}

/** HEADERS and DATA of a whole unary request in one piece. */
export function requestFrames(streamId: number, block: Buffer, body: Buffer): Buffer {
  const frames = Buffer.allocUnsafe(2 * FRAME_HEAD_BYTES + block.length + body.length);
  writeHead(frames, 0, { length: block.length, type: FRAME.headers, flags: END_HEADERS, streamId });
  block.copy(frames, FRAME_HEAD_BYTES);
  const at = FRAME_HEAD_BYTES + block.length;
  writeHead(frames, at, { length: body.length, type: FRAME.data, flags: END_STREAM, streamId });
  body.copy(frames, at + FRAME_HEAD_BYTES);
  return frames;
}

/** A frame of the connection itself. */
export function connectionFrame(type: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  writeHead(head, 0, { length: payload.length, type, flags, streamId: 0 });
  return Buffer.concat([head, payload]);
}

interface FrameHead {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
}

function writeHead(target: Buffer, at: number, head: FrameHead): void {
  target.writeUIntBE(head.length, at, 3);
  target[at + 3] = head.type;
  target[at + 4] = head.flags;
  target.writeUInt32BE(head.streamId, at + 5);
}

/** RFC 7541 §5.2 without Huffman coding; the length is a prefix integer of 7 bits (§5.1). */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const prefix = [127];
  let rest = bytes.length - 127;
  while (rest >= 128) {
    prefix.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.concat([Buffer.from([...prefix, rest]), bytes]);
}
