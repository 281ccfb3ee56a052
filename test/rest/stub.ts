import { EventEmitter, once } from 'node:events';
import { create, fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import type { DescMethod, JsonValue, MessageInitShape, DescMessage } from '@bufbuild/protobuf';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Metadata, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { DeviceService } from '../../gen/whispr/device/v1/device_service_pb.ts';
import { KeyDirectoryService } from '../../gen/whispr/keys/v1/key_directory_service_pb.ts';
import { OpsService } from '../../gen/whispr/ops/v1/ops_service_pb.ts';

/** A call as it arrived behind the edge. */
export interface Seen {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly message: JsonValue;
}

/** What streams send; they stay open until the client leaves. */
type Streamed = readonly MessageInitShape<DescMessage>[];

const SERVICES = [AuthService, DeviceService, KeyDirectoryService, OpsService];

/** Stands in for the service where the edge is tested: writes down every call and answers emptily. */
export class Stub {
  readonly seen: Seen[] = [];
  streamed: Streamed = [];
  readonly #server = new Server();
  readonly #leaves = new EventEmitter();
  #port = 0;

  get port(): number {
    return this.#port;
  }

  /** The newest call. @throws when there was none */
  get last(): Seen {
    const last = this.seen.at(-1);
    if (last === undefined) throw new Error('Nothing passed the edge');
    return last;
  }

  async start(): Promise<this> {
    for (const method of SERVICES.flatMap(({ methods }) => methods)) this.#register(method);
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    return this;
  }

  /** When the next client of a stream leaves. */
  async nextLeave(): Promise<void> {
    await once(this.#leaves, 'leave');
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  #register(method: DescMethod): void {
    const path = `/${method.parent.typeName}/${method.name}`;
    if (method.methodKind === 'server_streaming') {
      const handler = (call: ServerWritableStream<Buffer, Buffer>) => {
        this.#note(method, call);
        call.once('cancelled', () => this.#leaves.emit('leave'));
        for (const init of this.streamed) call.write(encoded(method, init));
      };
      this.#server.register(path, handler, same, same, 'serverStream');
      return;
    }
    const handler = (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) => {
      this.#note(method, call);
      respond(null, encoded(method, {}));
    };
    this.#server.register(path, handler, same, same, 'unary');
  }

  #note(method: DescMethod, call: { request: Buffer; metadata: Metadata }): void {
    const entries = Object.entries(call.metadata.getMap());
    this.seen.push({
      method: method.name,
      headers: Object.fromEntries(entries.map(([name, value]) => [name, String(value)])),
      message: toJson(method.input, fromBinary(method.input, call.request)),
    });
  }
}

function encoded({ output }: DescMethod, init: MessageInitShape<DescMessage>): Buffer {
  return Buffer.from(toBinary(output, create(output, init)));
}

function same(bytes: Buffer): Buffer {
  return bytes;
}
