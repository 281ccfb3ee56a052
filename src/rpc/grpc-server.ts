import type { ServerHttp2Session } from 'node:http2';
import { Server, ServerCredentials, logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import type { MethodImplSpec } from '@connectrpc/connect';
import { streamHandler } from './adaptor-stream.ts';
import { unaryHandler } from './adaptor.ts';
import { GrpcHealth } from './grpc-health.ts';
import { adoptStrayCalls, explainRefusals, http2ServersOf, sameBytes } from './grpc-refusal.ts';
import type { Chain } from './interceptors.ts';
import { MAX_MESSAGE_BYTES, maxRequestBytes } from './limit.ts';
import type { MessageLimits } from './limit.ts';
import type { Route } from './route.ts';

export interface GrpcServerOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly routes: readonly Route[];
  readonly chain: Chain;
  readonly limits: MessageLimits;
  readonly isReflectionOn: boolean;
  /** Stores that health knows as `whispr.dependency.<name>`, beside '' and each service. */
  readonly healthNames: readonly string[];
  /** Age at which a connection is asked to reconnect, so that load spreads over new replicas. */
  readonly maxConnectionAgeMs: number;
  /** Longest life of a stream: a connection waits for its streams at least that long. */
  readonly watchMaxAgeMs: number;
}

const KEEPALIVE_TIME_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
/** A connection is one edge replica; this only stops one peer from taking all memory. */
const MAX_STREAMS_PER_CONNECTION = 5_000;

/** The engine: handlers of Connect's shape, served by grpc-js, with health and reflection. */
export class GrpcServer {
  readonly port: number;
  readonly health: GrpcHealth;
  readonly #server: Server;
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(server: Server, health: GrpcHealth, port: number) {
    this.#server = server;
    this.health = health;
    this.port = port;
    for (const http2Server of http2ServersOf(server)) {
      http2Server.on('session', (session) => {
        this.#sessions.add(session);
        session.once('close', () => this.#sessions.delete(session));
      });
    }
  }

  /** Takes no new calls and waits for the accepted ones, at most `timeoutMs`; then cuts them off. */
  async stop(timeoutMs: number): Promise<void> {
    this.health.endWatches();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    const drained = new Promise<void>((resolve) => {
      this.#server.tryShutdown(() => {
        resolve();
      });
    });
    await Promise.race([drained, timeout]);
    clearTimeout(timer);
    this.#server.forceShutdown();
    // forceShutdown knows the sessions only while channelz, which costs per call, is on.
    for (const session of this.#sessions) session.destroy();
  }
}

/** Opens the port. Health says NOT_SERVING until somebody sets it. */
export async function openGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  // Its messages quote headers, tokens among them.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server(serverOptions(options));
  for (const { methods } of options.routes) {
    for (const spec of methods) register(server, spec, options);
  }
  const services = options.routes.map(({ service }) => service);
  const names = services.map(({ typeName }) => typeName);
  const health = new GrpcHealth(names, options.healthNames);
  health.register(server);
  if (options.isReflectionOn) {
    const { registerReflection } = await import('./grpc-reflection.ts');
    registerReflection(server, services);
  }
  const port = await bind(server, options);
  adoptStrayCalls(server);
  return new GrpcServer(server, health, port);
}

function serverOptions({ chain, maxConnectionAgeMs, watchMaxAgeMs }: GrpcServerOptions) {
  return {
    interceptors: [explainRefusals(chain.recorder)],
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': MAX_STREAMS_PER_CONNECTION,
    'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.max_connection_age_ms': maxConnectionAgeMs,
    // Streams end by themselves within their age + 10 %.
    'grpc.max_connection_age_grace_ms': Math.ceil(watchMaxAgeMs * 1.2) + 30_000,
  };
}

function register(
  server: Server,
  spec: MethodImplSpec,
  { chain, limits }: GrpcServerOptions,
): void {
  const { method } = spec;
  const path = `/${method.parent.typeName}/${method.name}`;
  const maxBytes = maxRequestBytes(limits, method);
  const { interceptors } = chain;
  if (spec.kind === 'unary') {
    const handler = unaryHandler({ method: spec.method, path, maxBytes }, spec.impl, interceptors);
    server.register(path, handler, sameBytes, sameBytes, 'unary');
  } else if (spec.kind === 'server_streaming') {
    const handler = streamHandler({ method: spec.method, path, maxBytes }, spec.impl, interceptors);
    server.register(path, handler, sameBytes, sameBytes, 'serverStream');
  } else {
    throw new Error(`${path} streams requests, which this server does not serve`);
  }
}

function bind(server: Server, { host, port }: GrpcServerOptions): Promise<number> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
}
