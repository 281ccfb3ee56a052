import { BlockList } from 'node:net';
import { Writable } from 'node:stream';
import type {
  DescMessage,
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  Message,
  MessageInitShape,
} from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { KeyDirectoryService } from '../../gen/whispr/keys/v1/key_directory_service_pb.ts';
import { OpsService } from '../../gen/whispr/ops/v1/ops_service_pb.ts';
import { DomainError } from '../../src/errors.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import type { Registry } from '../../src/platform/metrics.ts';
import { Secret } from '../../src/platform/secret.ts';
import { openConnectServer } from '../../src/rpc/connect-server.ts';
import { Drain } from '../../src/rpc/drain.ts';
import { GrpcServer, openGrpcServer } from '../../src/rpc/grpc-server.ts';
import type { Readiness } from '../../src/rpc/health.ts';
import { createChain } from '../../src/rpc/interceptors.ts';
import type { EdgeDeps } from '../../src/rpc/interceptors.ts';
import { MESSAGE_LIMITS } from '../../src/rpc/limit.ts';
import { methodsOf } from '../../src/rpc/route.ts';
import type { Route } from '../../src/rpc/route.ts';
import type { Principal } from '../../src/token/principal.ts';

export const ENGINES = ['grpc-js', 'connect-node'] as const;
export type Engine = (typeof ENGINES)[number];

type Init = MessageInitShape<DescMessage>;

/** Handlers that a test sets; every RPC of the served services runs one of them. */
export interface Handlers {
  unary: (request: Message, context: HandlerContext) => Init | Promise<Init>;
  stream: (request: Message, context: HandlerContext) => AsyncIterable<Init>;
}

export interface EdgeSettings {
  readonly edge?: Partial<EdgeDeps['edge']>;
  readonly access?: Partial<EdgeDeps['access']>;
  readonly deadline?: Partial<EdgeDeps['deadline']>;
  /** Served beside the services of the product. */
  readonly service?: DescService;
}

/** The edge of the service on one engine: real chain, real protos, handlers of the test. */
export interface Edge {
  readonly port: number;
  readonly handlers: Handlers;
  readonly lines: Record<string, unknown>[];
  readonly metrics: Registry;
  readonly drain: Drain;
  readonly chainNames: readonly string[];
  /** grpc-js only: what grpc.health.v1 answers. */
  showHealth(readiness: Readiness): void;
  stop(timeoutMs?: number): Promise<void>;
}

export const TEST_CALLER_TOKEN = 'only-in-tests';
export const LIVING_TOKEN = 'living';

export async function openEdge(engine: Engine, settings: EdgeSettings = {}): Promise<Edge> {
  const handlers: Handlers = { unary: () => ({}), stream: nothing };
  const services: DescService[] = [AuthService, KeyDirectoryService, OpsService];
  if (settings.service !== undefined) services.push(settings.service);
  const routes = services.map((service) => routeTo(service, handlers));
  const lines: Record<string, unknown>[] = [];
  const metrics = createMetrics();
  const drain = new Drain();
  const chain = createChain(depsOf(settings, { lines, metrics, drain }), methodsOf(routes));
  const address = { host: '127.0.0.1', port: 0 };
  const common = { ...address, routes, chain, limits: MESSAGE_LIMITS };
  const server =
    engine === 'connect-node'
      ? await openConnectServer(common)
      : await openGrpcServer({
          ...common,
          isReflectionOn: true,
          healthNames: ['redis'],
          maxConnectionAgeMs: 3_600_000,
          watchMaxAgeMs: 900_000,
        });
  return {
    port: server.port,
    handlers,
    lines,
    metrics,
    drain,
    showHealth: (readiness) => {
      if (server instanceof GrpcServer) server.health.show(readiness);
    },
    chainNames: chain.named.map(({ name }) => name),
    stop: (timeoutMs = 200) => server.stop(timeoutMs),
  };
}

function routeTo(service: DescService, handlers: Handlers): Route {
  return { service, methods: service.methods.map((method) => specOf(method, handlers)) };
}

function specOf(method: DescMethod, handlers: Handlers): Route['methods'][number] {
  if (isUnary(method)) {
    return { kind: 'unary', method, impl: (...call) => handlers.unary(...call) };
  }
  if (isServerStreaming(method)) {
    return { kind: 'server_streaming', method, impl: (...call) => handlers.stream(...call) };
  }
  throw new Error(`${method.name} streams requests`);
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === 'unary';
}

function isServerStreaming(method: DescMethod): method is DescMethodServerStreaming {
  return method.methodKind === 'server_streaming';
}

interface Parts {
  readonly lines: Record<string, unknown>[];
  readonly metrics: Registry;
  readonly drain: Drain;
}

function depsOf(settings: EdgeSettings, { lines, metrics, drain }: Parts): EdgeDeps {
  const trustedEdgeCidrs = new BlockList();
  trustedEdgeCidrs.addSubnet('127.0.0.0', 8);
  return {
    logger: createLogger('info', intoLines(lines)),
    metrics,
    edge: {
      nodeEnv: 'test',
      meshIdentity: 'none',
      edgePrincipals: [],
      trustedEdgeCidrs,
      serviceTestToken: new Secret(TEST_CALLER_TOKEN),
      ...settings.edge,
    },
    access: { authenticate, ...settings.access },
    deadline: { unaryDeadlineMs: 5_000, watchMaxAgeMs: 900_000, drain, ...settings.deadline },
  };
}

function intoLines(lines: Record<string, unknown>[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const line: unknown = JSON.parse(chunk.toString('utf8'));
      if (typeof line === 'object') lines.push({ ...line });
      done();
    },
  });
}

/** A bearer whose token ends in an hour, or in as many milliseconds as its name says. */
function authenticate(token: string): Principal {
  const [, milliseconds = '3600000'] = /^living-(\d+)$/.exec(token) ?? [];
  if (token !== LIVING_TOKEN && !token.startsWith('living-')) {
    throw new DomainError('TOKEN_INVALID', 'Please sign in again.');
  }
  return {
    accountId: 'b5cfa0a2-0a4f-4a0e-9f6e-0d6b1a2c3d4e',
    deviceId: '0d6b1a2c-3d4e-4a0e-9f6e-b5cfa0a20a4f',
    sessionId: '9f6e0d6b-1a2c-4d4e-8a0e-b5cfa0a20a4f',
    tokenId: 'jti',
    authTimeSeconds: 0,
    issuedAtSeconds: 0,
    expiresAtSeconds: (Date.now() + Number(milliseconds)) / 1000,
    methods: ['sms'],
    contextClass: '1',
  };
}

async function* nothing(): AsyncGenerator<Init> {
  // A stream without messages.
}
