import { flag, integer, oneOf, text } from './read.ts';
import { setting, optional, safeInProduction, MINUTE, HOUR, DAY } from './setting.ts';

/** The process: environment, ports, drain, deadlines. */
export const processSettings = {
  nodeEnv: setting(
    'NODE_ENV',
    (raw) => (raw === 'development' || raw === 'test' ? raw : ('production' as const)),
    'production',
    'development and test allow test aids; anything else is production',
  ),
  logLevel: setting(
    'LOG_LEVEL',
    oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    'info',
    'least severe level that is logged',
  ),
  grpcHost: setting('GRPC_HOST', text, '0.0.0.0', 'address that the gRPC server binds'),
  grpcPort: setting('GRPC_PORT', integer(0, 65_535), 50_051, 'gRPC port (0 = any free port)'),
  grpcReflection: safeInProduction(
    setting('GRPC_REFLECTION', flag, true, 'serve gRPC reflection'),
    false,
  ),
  connectPort: optional(
    'CONNECT_PORT',
    integer(0, 65_535),
    'port for the Connect and gRPC-Web protocols; unset = off',
  ),
  metricsEnabled: setting('METRICS_ENABLED', flag, false, 'serve Prometheus metrics'),
  metricsPort: setting('METRICS_PORT', integer(0, 65_535), 9464, 'metrics port'),
  drainDelayMs: setting(
    'DRAIN_DELAY_MS',
    integer(0, 60_000),
    5_000,
    'time between NOT_SERVING and refusing calls; at least two health intervals of the edge',
  ),
  drainTimeoutMs: setting(
    'DRAIN_TIMEOUT_MS',
    integer(1_000, 300_000),
    20_000,
    'longest wait for accepted calls at shutdown',
  ),
  maxConnectionAgeMs: setting(
    'MAX_CONNECTION_AGE_MS',
    integer(60_000, DAY * 1000),
    30 * MINUTE * 1000,
    'age at which a gRPC connection is asked to reconnect',
  ),
  unaryDeadlineMs: setting(
    'UNARY_DEADLINE_MS',
    integer(100, 30_000),
    5_000,
    'deadline of a unary call that names none; 30 s at most',
  ),
  watchMaxAgeMs: setting(
    'WATCH_MAX_AGE_MS',
    integer(1_000, HOUR * 1000),
    15 * MINUTE * 1000,
    'age at which a watch ends with a resume cursor, ± 10 %',
  ),
  watchHeartbeatMs: setting(
    'WATCH_HEARTBEAT_MS',
    integer(100, MINUTE * 1000),
    20_000,
    'silence after which a watch sends a heartbeat',
  ),
};
