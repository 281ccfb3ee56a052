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
    timestamp: createTimestamp(),
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

/** Nearly every line holds allowed fields only and is passed on as it is. */
function onlyAllowed(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  for (const name in fields) if (!ALLOWED.has(name)) return withoutOthers(fields);
  return fields;
}

function withoutOthers(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => ALLOWED.has(name)));
}

/** RFC 3339 with milliseconds; under load many lines share one. */
function createTimestamp(): () => string {
  let atMs = 0;
  let text = '';
  return () => {
    const nowMs = Date.now();
    if (nowMs !== atMs) {
      atMs = nowMs;
      text = `,"time":"${new Date(nowMs).toISOString()}"`;
    }
    return text;
  };
}

/** Name, stack and cause only: driver errors carry parameters in other properties. */
function serializeError(error: unknown): unknown {
  if (!Error.isError(error)) return { message: typeof error };
  const { type, message, stack } = stdSerializers.err(error);
  const cause = Error.isError(error.cause) ? serializeError(error.cause) : undefined;
  return { type, message, stack, cause };
}
