import { constants } from 'node:http2';
import type { Http2ServerRequest } from 'node:http2';
import { createConnectRouter } from '@connectrpc/connect';
import type { ConnectRouter, MethodImplSpec } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import { connectContextValues } from './connect-call.ts';
import { explained, refuseUnreadable, refuseUnroutable } from './connect-refusal.ts';
import { HttpListener } from './http-listener.ts';
import type { HttpHandler, HttpRequest, HttpResponse } from './http-listener.ts';
import type { Chain } from './interceptors.ts';
import { maxRequestBytes } from './limit.ts';
import type { MessageLimits } from './limit.ts';
import type { Route } from './route.ts';

export interface ConnectServerOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly routes: readonly Route[];
  readonly chain: Chain;
  readonly limits: MessageLimits;
}

/** Answers are small; compressing them would also hide them from `explained`. */
const NEVER_COMPRESS = 0xffff_ffff;

/**
 * The same routes and interceptors by connect-node, for clients of the Connect and gRPC-Web
 * protocols, over HTTP/1.1 and HTTP/2 without TLS on one port.
 */
export async function openConnectServer(options: ConnectServerOptions): Promise<HttpListener> {
  const listener = new HttpListener(serve(handlersByPath(options)));
  await listener.listen(options.port, options.host);
  return listener;
}

/**
 * One router per size limit: the limit is an option of a whole router, and options of a single
 * service would replace the interceptors.
 */
function handlersByPath(options: ConnectServerOptions): ReadonlyMap<string, UniversalHandler> {
  const { routes, chain, limits } = options;
  const specs = routes.flatMap(({ methods }) => methods);
  const handlers = new Map<string, UniversalHandler>();
  for (const [readMaxBytes, sameSize] of Map.groupBy(specs, ({ method }) =>
    maxRequestBytes(limits, method),
  )) {
    const router = createConnectRouter({
      readMaxBytes,
      acceptCompression: [compressionGzip, compressionBrotli],
      compressMinBytes: NEVER_COMPRESS,
      interceptors: [...chain.interceptors],
    });
    for (const spec of sameSize) register(router, spec);
    for (const handler of router.handlers) {
      handlers.set(handler.requestPath, explained(handler, chain.recorder));
    }
  }
  return handlers;
}

function register(router: ConnectRouter, spec: MethodImplSpec): void {
  if (spec.kind === 'unary') router.rpc(spec.method, spec.impl);
  else if (spec.kind === 'server_streaming') router.rpc(spec.method, spec.impl);
  else throw new Error(`${spec.method.name} streams requests, which this server does not serve`);
}

/** As connect-node's own adapter, which prints to the console when a client leaves. */
function serve(handlers: ReadonlyMap<string, UniversalHandler>): HttpHandler {
  return (request, response) => {
    if ('stream' in request) request.stream.on('wantTrailers', () => setImmediate(hangUp, request));
    const handler = handlers.get(request.url?.split('?', 1)[0] ?? '');
    if (handler === undefined) {
      refuseUnroutable(request, response);
      return;
    }
    // A write that fails means that the client left, which `observe` has recorded.
    answer(handler, request, response).catch(() => undefined);
  };
}

/** The answer is out: a client that still sends may stop (RFC 9113 §8.1), or it would wait for ever. */
function hangUp(request: Http2ServerRequest): void {
  if (!request.complete) request.stream.close(constants.NGHTTP2_NO_ERROR);
}

async function answer(
  handler: UniversalHandler,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const values = connectContextValues(request);
  let universal;
  try {
    universal = universalRequestFromNodeRequest(request, response, undefined, values);
  } catch {
    refuseUnreadable(response);
    return;
  }
  await universalResponseToNodeResponse(await handler(universal), response);
}
