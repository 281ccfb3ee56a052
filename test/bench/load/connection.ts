import { connect } from 'node:net';
import type { Socket } from 'node:net';
import {
  ACK,
  END_STREAM,
  FRAME,
  FRAME_HEAD_BYTES,
  connectionFrame,
  requestFrames,
} from './http2-frames.ts';

/** What a call got: its DATA, or nothing when it failed (a gRPC error is trailers only). */
export type Answered = (data: Buffer | undefined) => void;

interface OpenCall {
  readonly answered: Answered;
  data: Buffer | undefined;
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** RFC 9113 §6.5.2: 2 = no push, 4 = initial window of a stream. */
const SETTINGS = Buffer.from([0, 2, 0, 0, 0, 0, 0, 4, 0x00, 0xff, 0xff, 0xff]);
/** What we may receive before we must say that we read on. */
const WINDOW_BYTES = 2 ** 30;

/**
 * An HTTP/2 client for one kind of load: small unary calls, many at a time. Node's own client costs
 * as much CPU per call as the server that is measured; this one writes prepared frames and reads
 * nothing but frame heads. Our own sending needs no flow control: what is in flight on a connection
 * stays far below the 64 KB that every server grants.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #calls = new Map<number, OpenCall>();
  readonly #failed: (error: Error) => void;
  #nextStreamId = 1;
  #unsent: Buffer[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #received = 0;
  #isClosed = false;

  constructor(port: number, failed: (error: Error) => void) {
    this.#failed = failed;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk: Buffer) => {
      this.#read(chunk);
    });
    this.#socket.on('error', failed);
    this.#socket.on('close', () => {
      if (!this.#isClosed) failed(new Error('The server closed the connection'));
    });
    this.#socket.write(
      Buffer.concat([
        PREFACE,
        connectionFrame(FRAME.settings, 0, SETTINGS),
        windowUpdate(WINDOW_BYTES),
      ]),
    );
  }

  /** Sends a call; all calls of one turn of the event loop leave in one write. */
  call(block: Buffer, body: Buffer, answered: Answered): void {
    const streamId = this.#nextStreamId;
    this.#nextStreamId += 2;
    this.#calls.set(streamId, { answered, data: undefined });
    this.#send(requestFrames(streamId, block, body));
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #send(frames: Buffer): void {
    if (this.#unsent.length === 0) {
      queueMicrotask(() => {
        this.#socket.write(Buffer.concat(this.#unsent));
        this.#unsent = [];
      });
    }
    this.#unsent.push(frames);
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= FRAME_HEAD_BYTES) {
      const end = at + FRAME_HEAD_BYTES + bytes.readUIntBE(at, 3);
      if (bytes.length < end) break;
      this.#readFrame(bytes.subarray(at, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
    this.#received += chunk.length;
    if (this.#received < WINDOW_BYTES / 2) return;
    this.#send(windowUpdate(this.#received));
    this.#received = 0;
  }

  #readFrame(frame: Buffer): void {
    const [type, flags = 0] = [frame[3], frame[4]];
    const payload = frame.subarray(FRAME_HEAD_BYTES);
    if (type === FRAME.data || type === FRAME.headers) {
      this.#readStream(frame.readUInt32BE(5), flags, type === FRAME.data ? payload : undefined);
    } else if (type === FRAME.reset) {
      this.#settle(frame.readUInt32BE(5), undefined);
    } else if (type === FRAME.settings || type === FRAME.ping) {
      if ((flags & ACK) === 0) {
        this.#send(
          connectionFrame(type, ACK, type === FRAME.ping ? payload : payload.subarray(0, 0)),
        );
      }
    } else if (type === FRAME.goAway) {
      this.#failed(new Error('The server says goodbye'));
    }
  }

  #readStream(streamId: number, flags: number, payload: Buffer | undefined): void {
    const call = this.#calls.get(streamId);
    if (call === undefined) return;
    if (payload !== undefined && payload.length > 0) {
      call.data = call.data === undefined ? payload : Buffer.concat([call.data, payload]);
    }
    if ((flags & END_STREAM) !== 0) this.#settle(streamId, call.data);
  }

  #settle(streamId: number, data: Buffer | undefined): void {
    const call = this.#calls.get(streamId);
    this.#calls.delete(streamId);
    call?.answered(data);
  }
}

function windowUpdate(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return connectionFrame(FRAME.windowUpdate, 0, payload);
}
