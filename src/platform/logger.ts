import { destination, pino, stdSerializers } from 'pino';
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

/** A write per line costs more than the line; a full buffer, or this long, whichever comes first. */
const BUFFER_BYTES = 4_096;
const FLUSH_MS = 250;

/** JSON lines on stdout, at most 250 ms late; `flushLogs` writes the rest at the end. Codes, tokens, secrets, keys and full numbers have no field to go to. */
export function createLogger(level: string, sink?: DestinationStream): Logger {
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
  return pino(options, sink ?? stdout());
}

/** Writes what is still in the buffer. */
export function flushLogs(logger: Logger): void {
  logger.flush();
}

/** A logger whose every line carries `fields`; pino's own `child` would not filter them. */
export function childLogger(logger: Logger, fields: Readonly<Record<string, unknown>>): Logger {
  return logger.child(onlyAllowed(fields));
}

function stdout(): DestinationStream {
  const options = { dest: 1, sync: true, minLength: BUFFER_BYTES, periodicFlush: FLUSH_MS };
  return destination(options);
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
