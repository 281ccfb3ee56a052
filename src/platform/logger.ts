import { pino, stdSerializers } from 'pino';
import type { DestinationStream, Logger } from 'pino';

export type { Logger };

/** What may stand in a log line. A field that is not listed here is dropped, whoever logs it. */
const ALLOWED = new Set([
  'event',
  'method',
  'code',
  'reason',
  'durationMs',
  'requestId',
  'traceId',
  'clientPrefix',
  'caller',
  'accountId',
  'deviceId',
  'sessionId',
  'phone',
  'messages',
  'component',
  'state',
  'port',
  'address',
  'version',
  'kid',
  'count',
  'job',
  'provider',
  'err',
  'signal',
  'problems',
  'engine',
]);

/** JSON lines on stdout. Codes, tokens, secrets, keys and full numbers have no field to go to. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: {},
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: onlyAllowed,
    },
    serializers: { err: serializeError },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** A logger whose every line carries `fields`; pino's own `child` would not filter them. */
export function childLogger(logger: Logger, fields: Readonly<Record<string, unknown>>): Logger {
  return logger.child(onlyAllowed(fields));
}

function onlyAllowed(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) if (ALLOWED.has(name)) kept[name] = value;
  return kept;
}

/** Name, stack and cause only: driver errors carry parameters in other properties. */
function serializeError(error: unknown): unknown {
  if (!Error.isError(error)) return { message: typeof error };
  const { type, message, stack } = stdSerializers.err(error);
  const cause = Error.isError(error.cause) ? serializeError(error.cause) : undefined;
  return { type, message, stack, cause };
}
