import type { Config } from './config.ts';
import { periodicJobs } from './job-table.ts';
import { startJobs } from './jobs.ts';
import { createLogger, flushLogs } from './platform/logger.ts';
import { Stopper } from './platform/stop.ts';
import { openContext } from './context.ts';
import type { Overrides } from './context.ts';
import { openServers } from './servers.ts';
import type { Ports } from './servers.ts';

/** A running service. */
export interface App {
  readonly ports: Ports;
  /** Drains and stops everything that was started, in the opposite order. */
  stop(): Promise<void>;
}

/**
 * Builds every object once and starts the service: database, Redis (or degraded without it), keys,
 * revocation feed, servers. When a step fails, what had started is stopped again.
 */
export async function createApp(config: Config, overrides: Overrides = {}): Promise<App> {
  const logger = overrides.logger ?? createLogger(config.logLevel);
  const stopper = new Stopper();
  stopper.add(() => flushLogs(logger));
  try {
    const context = await openContext(config, { ...overrides, logger }, stopper);
    const ports = await openServers(context, stopper);
    stopper.add(startJobs(context, periodicJobs(context)));
    logger.info({ event: 'app.started', port: ports.grpc }, 'serving');
    return { ports, stop: () => stopper.stop() };
  } catch (error) {
    await stopper.stop();
    throw error;
  }
}
