import { Code } from '@connectrpc/connect';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Reason } from '../errors.ts';
import { storedPrefix } from '../platform/address.ts';
import type { Logger } from '../platform/logger.ts';
import type { Registry } from '../platform/metrics.ts';
import type { Call } from './call.ts';

/** How a call ended; `code` is undefined for OK. */
export interface Outcome {
  readonly code: Code | undefined;
  readonly reason: Reason | undefined;
}

/** A call that is over. `messages` is counted for streams. */
export interface Ended {
  readonly method: string;
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly messages?: number;
}

interface LogLine {
  event: string;
  method: string;
  code: string;
  durationMs: number;
  requestId: string;
  clientPrefix: string;
  reason?: Reason;
  messages?: number;
  caller?: string;
  accountId?: string;
  deviceId?: string;
  sessionId?: string;
}

/** Clients that call again soon; bounds the memory, not what is logged. */
const REMEMBERED_ADDRESSES = 1_000;

/** Bounds in seconds: an in-memory call, a statement or two, an SMS provider, the deadline. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30];

/** Faults of ours or of what we depend on; everything else is a normal answer to a caller. */
const FAULTS: ReadonlySet<Code | undefined> = new Set([
  Code.Unknown,
  Code.Internal,
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.DataLoss,
]);

/** One log line and one sample per call, when it is over. */
export class CallRecorder {
  readonly #logger: Logger;
  readonly #calls: Counter<'method' | 'code' | 'reason'>;
  readonly #seconds: Histogram<'method' | 'code'>;
  readonly #streams: Gauge<'method'>;
  readonly #prefixes = new Map<string, string>();

  constructor(logger: Logger, registry: Registry) {
    const registers = [registry];
    this.#logger = logger;
    this.#calls = new Counter({
      name: 'whispr_rpc_calls_total',
      help: 'Calls that are over, by method, gRPC status and reason',
      labelNames: ['method', 'code', 'reason'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'whispr_rpc_duration_seconds',
      help: 'Time from request to answer of unary calls',
      labelNames: ['method', 'code'],
      buckets: BUCKETS,
      registers,
    });
    this.#streams = new Gauge({
      name: 'whispr_rpc_open_streams',
      help: 'Server streams that are open now',
      labelNames: ['method'],
      registers,
    });
  }

  unary(call: Call, ended: Ended): void {
    const code = codeName(ended.outcome.code);
    this.#seconds.observe({ method: ended.method, code }, ended.durationMs / 1000);
    this.#record(call, ended, code);
  }

  opened(method: string): void {
    this.#streams.inc({ method });
  }

  closed(call: Call, ended: Ended): void {
    this.#streams.dec({ method: ended.method });
    this.#record(call, ended, codeName(ended.outcome.code));
  }

  /** A call that an engine refused before any interceptor: no `Call`, so counted, not logged. */
  refused(reason: Reason, code: Code): void {
    this.#calls.inc({ method: 'unknown', code: codeName(code), reason });
  }

  #record(call: Call, ended: Ended, code: string): void {
    const { method, outcome, durationMs, messages } = ended;
    this.#calls.inc({ method, code, reason: outcome.reason ?? '' });
    const { caller, principal } = call;
    const line: LogLine = {
      event: 'rpc',
      method,
      code,
      durationMs: Math.round(durationMs * 100) / 100,
      requestId: call.requestId,
      clientPrefix: this.#prefixOf(call.clientAddress),
    };
    if (outcome.reason !== undefined) line.reason = outcome.reason;
    if (messages !== undefined) line.messages = messages;
    if (caller !== undefined) line.caller = caller;
    if (principal !== undefined) {
      line.accountId = principal.accountId;
      line.deviceId = principal.deviceId;
      line.sessionId = principal.sessionId;
    }
    this.#logger[FAULTS.has(outcome.code) ? 'warn' : 'info'](line);
  }

  #prefixOf(address: string): string {
    let prefix = this.#prefixes.get(address);
    if (prefix === undefined) {
      prefix = storedPrefix(address);
      if (this.#prefixes.size >= REMEMBERED_ADDRESSES) this.#prefixes.clear();
      this.#prefixes.set(address, prefix);
    }
    return prefix;
  }
}

/** `InvalidArgument` → `INVALID_ARGUMENT`, as gRPC spells it. */
const CODE_NAMES = new Map<Code | undefined, string>(
  Object.entries(Code).flatMap(([name, value]) =>
    typeof value === 'number'
      ? [[value, name === 'Canceled' ? 'CANCELLED' : upperSnake(name)] as const]
      : [],
  ),
);

function codeName(code: Code | undefined): string {
  return code === undefined ? 'OK' : (CODE_NAMES.get(code) ?? 'UNKNOWN');
}

function upperSnake(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}
