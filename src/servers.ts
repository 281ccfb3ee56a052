import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from './config.ts';
import { openMetricsServer } from './platform/metrics-server.ts';
import type { Stopper } from './platform/stop.ts';
import { Drain } from './rpc/drain.ts';
import { openGrpcServer } from './rpc/grpc-server.ts';
import { HealthMonitor } from './rpc/health.ts';
import type { Readiness } from './rpc/health.ts';
import { createChain } from './rpc/interceptors.ts';
import type { Chain } from './rpc/interceptors.ts';
import { MESSAGE_LIMITS } from './rpc/limit.ts';
import { methodsOf } from './rpc/route.ts';
import type { Route } from './rpc/route.ts';
import { createRoutes } from './rpc/routes.ts';
import type { Context } from './context.ts';

/** Where it listens. */
export interface Ports {
  readonly grpc: number;
  readonly connect: number | undefined;
  readonly metrics: number | undefined;
}

/** Opens the ports and then says SERVING; stopping says NOT_SERVING first and drains. */
export async function openServers(context: Context, stopper: Stopper): Promise<Ports> {
  const { config } = context;
  const drain = new Drain();
  const report: HealthReport = { announce: () => undefined };
  const health = createHealth(context, report);
  const routes = createRoutes({ ...context, health });
  const chain = createServingChain(context, drain, routes);
  const metrics = await openMetrics(context, stopper);
  const server = await openGrpcServer({
    host: config.grpcHost,
    port: config.grpcPort,
    routes,
    chain,
    limits: MESSAGE_LIMITS,
    isReflectionOn: config.grpcReflection,
    healthNames: ['redis'],
    maxConnectionAgeMs: config.maxConnectionAgeMs,
    watchMaxAgeMs: config.watchMaxAgeMs,
  });
  stopper.add(() => server.stop(config.drainTimeoutMs));
  const connect = await openConnect(config, { routes, chain }, stopper);
  report.announce = (readiness) => {
    server.health.show(readiness);
  };
  stopper.add(() => health.stop());
  stopper.add(() => drainCalls(health, drain, config.drainDelayMs));
  await health.start();
  return { grpc: server.port, connect, metrics };
}

/** Where health changes go; the server that tells them is built after the monitor that it asks. */
interface HealthReport {
  announce: (readiness: Readiness) => void;
}

/** Redis is not required: what can falls back to PostgreSQL, the rest says UNAVAILABLE. */
function createHealth(context: Context, report: HealthReport): HealthMonitor {
  const { config, logger, db, redis, keyRing } = context;
  return new HealthMonitor({
    logger,
    onChange: (readiness) => report.announce(readiness),
    probes: [
      { name: 'postgres', isRequired: true, probe: () => db.ping() },
      { name: 'signing_keys', isRequired: true, probe: () => void keyRing.jwks() },
      { name: 'redis', isRequired: config.readinessRequiresRedis, probe: () => redis.ping() },
    ],
  });
}

/** Lets the edge take this replica out before it refuses anything; then open watches move away. */
async function drainCalls(health: HealthMonitor, drain: Drain, delayMs: number): Promise<void> {
  health.retire();
  await delay(delayMs);
  drain.start();
}

function createServingChain(context: Context, drain: Drain, routes: readonly Route[]): Chain {
  const { config, logger, metrics, authenticator, feed } = context;
  return createChain(
    {
      logger,
      metrics,
      edge: config,
      access: { authenticate: (token) => authenticator.authenticate(token) },
      deadline: {
        unaryDeadlineMs: config.unaryDeadlineMs,
        watchMaxAgeMs: config.watchMaxAgeMs,
        drain,
        watchSession: ({ sessionId }, ended) => feed.whenRevoked(sessionId, ended),
      },
    },
    methodsOf(routes),
  );
}

/** Connect and gRPC-Web from the same routes, where a port is set. */
async function openConnect(
  { connectPort, grpcHost, drainTimeoutMs }: Config,
  serving: { routes: readonly Route[]; chain: Chain },
  stopper: Stopper,
): Promise<number | undefined> {
  if (connectPort === undefined) return undefined;
  // Loaded where it serves only: most replicas never do.
  const { openConnectServer } = await import('./rpc/connect-server.ts');
  const options = { host: grpcHost, port: connectPort, limits: MESSAGE_LIMITS };
  const server = await openConnectServer({ ...options, ...serving });
  stopper.add(() => server.stop(drainTimeoutMs));
  return server.port;
}

async function openMetrics(
  { config, metrics }: Context,
  stopper: Stopper,
): Promise<number | undefined> {
  if (!config.metricsEnabled) return undefined;
  const server = await openMetricsServer(metrics, {
    host: config.grpcHost,
    port: config.metricsPort,
  });
  stopper.add(() => server.stop());
  return server.port;
}
