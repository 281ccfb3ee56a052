import { createContextValues } from '@connectrpc/connect';
import type { ContextValues } from '@connectrpc/connect';
import { parseTimeout as parseConnectTimeout } from '@connectrpc/connect/protocol-connect';
import { parseTimeout as parseGrpcTimeout } from '@connectrpc/connect/protocol-grpc';
import { plainAddress } from './edge.ts';
import type { HttpRequest } from './http-listener.ts';
import { transportKey } from './transport.ts';
import type { Transport } from './transport.ts';

/** The context values of a call that arrives by connect-node. */
export function connectContextValues(request: HttpRequest): ContextValues {
  return createContextValues().set(transportKey, new ConnectTransport(request));
}

class ConnectTransport implements Transport {
  readonly deadlineAtMs: number;
  readonly peerAddress: string;
  readonly #request: HttpRequest;

  constructor(request: HttpRequest) {
    this.#request = request;
    this.peerAddress = plainAddress(request.socket.remoteAddress ?? 'unknown');
    const timeoutMs = this.#timeoutMs();
    this.deadlineAtMs = timeoutMs === undefined ? Infinity : Date.now() + timeoutMs;
  }

  get isCancelled(): boolean {
    if ('stream' in this.#request) return this.#request.stream.destroyed;
    return this.#request.socket.destroyed;
  }

  /** From the raw list: of two equal headers Node keeps only the first in its object. */
  headerValue(name: string): string | undefined {
    const { rawHeaders } = this.#request;
    const values: string[] = [];
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const value = rawHeaders[index + 1];
      if (rawHeaders[index]?.toLowerCase() === name && value !== undefined) values.push(value);
    }
    return values.length === 0 ? undefined : values.join(', ');
  }

  /** The engine itself refuses a header that it cannot parse. */
  #timeoutMs(): number | undefined {
    const grpc = this.headerValue('grpc-timeout') ?? null;
    const connect = this.headerValue('connect-timeout-ms') ?? null;
    return (
      parseGrpcTimeout(grpc, Number.MAX_SAFE_INTEGER).timeoutMs ??
      parseConnectTimeout(connect, Number.MAX_SAFE_INTEGER).timeoutMs
    );
  }
}
