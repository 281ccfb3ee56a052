import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Connection } from './connection.ts';
import { grpcFrame, grpcMessage, headerBlock, literalHeader } from './http2-frames.ts';

/** A method of the service as the load calls it: its header block is encoded once. */
export interface Unary<Method extends DescMethodUnary> {
  readonly method: Method;
  readonly block: Buffer;
}

export function unary<Method extends DescMethodUnary>(
  method: Method,
  headers: Readonly<Record<string, string>> = {},
): Unary<Method> {
  return { method, block: headerBlock(pathOf(method), 'bench', headers) };
}

export function pathOf(method: DescMethodUnary): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** The same method called by our edge for a client at this address. */
export function unaryFrom<Method extends DescMethodUnary>(
  { method, block }: Unary<Method>,
  address: string,
): Unary<Method> {
  return { method, block: Buffer.concat([block, literalHeader('x-auth-client-ip', address)]) };
}

/** A request's bytes as they go on the wire. */
export function encode<Method extends DescMethodUnary>(
  { method }: Unary<Method>,
  request: MessageInitShape<Method['input']>,
): Buffer {
  return grpcFrame(toBinary(method.input, create(method.input, request)));
}

/** Calls and reads the answer; undefined when the call failed. */
export function ask<Input extends DescMessage, Output extends DescMessage>(
  connection: Connection,
  { method, block }: Unary<DescMethodUnary<Input, Output>>,
  body: Buffer,
): Promise<MessageShape<Output> | undefined> {
  return new Promise((resolve) => {
    connection.call(block, body, (data) => {
      resolve(data && fromBinary(method.output, grpcMessage(data)));
    });
  });
}
