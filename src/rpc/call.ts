import { randomBytes } from 'node:crypto';
import { createContextKey } from '@connectrpc/connect';
import type { ContextValues, HandlerContext } from '@connectrpc/connect';
import { DomainError } from '../errors.ts';
import { childLogger } from '../platform/logger.ts';
import type { Logger } from '../platform/logger.ts';
import type { Principal } from '../token/principal.ts';
import type { Edge } from './edge.ts';
import type { Transport } from './transport.ts';

/** Well-formed means printable, short, and no way to break a log line or a header. */
const REQUEST_ID = /^[\w.-]{8,64}$/;

/** What belongs to one call, from its first interceptor to its log line. */
export class Call {
  readonly transport: Transport;
  readonly #edge: Edge;
  readonly #rootLogger: Logger;
  /** The client's IP address as our edge saw it; without our edge, the TCP peer. */
  readonly clientAddress: string;
  /** The user, once `access` has read a token. */
  principal: Principal | undefined;
  /** When the answer is due, milliseconds since the epoch; Infinity for watches. */
  deadlineAtMs = Infinity;
  #requestId: string | undefined;
  #logger: Logger | undefined;
  #caller: string | undefined;
  #isCallerKnown = false;

  constructor(transport: Transport, edge: Edge, rootLogger: Logger) {
    this.transport = transport;
    this.#edge = edge;
    this.#rootLogger = rootLogger;
    // Now, not on demand: when the client is gone its socket no longer says where it was.
    this.clientAddress = edge.clientAddressOf(transport);
  }

  /** The edge's request id if it is well-formed, else one made here. */
  get requestId(): string {
    if (this.#requestId === undefined) {
      const sent = this.transport.headerValue('x-request-id');
      this.#requestId = sent !== undefined && REQUEST_ID.test(sent) ? sent : nextRequestId();
    }
    return this.#requestId;
  }

  /** Mesh identity of the calling service, if one vouches for it. */
  get caller(): string | undefined {
    if (!this.#isCallerKnown) this.#caller = this.#edge.callerOf(this.transport);
    this.#isCallerKnown = true;
    return this.#caller;
  }

  /** Carries the request id. Made on first use: most calls log one line, and not through it. */
  get logger(): Logger {
    this.#logger ??= childLogger(this.#rootLogger, { requestId: this.requestId });
    return this.#logger;
  }
}

const PROCESS_ID = randomBytes(8).toString('hex');
let requestCount = 0;

/** Unique, not secret: this process's random name and a count. */
function nextRequestId(): string {
  requestCount += 1;
  return `${PROCESS_ID}-${requestCount.toString(36)}`;
}

/** Set by the `call` interceptor, the outermost one. */
export const callKey = createContextKey<Call | undefined>(undefined, { description: 'call' });

/** The call of a handler. */
export function callOf(context: Pick<HandlerContext, 'values'>): Call {
  return callIn(context.values);
}

/** The call of an interceptor. */
export function callIn(values: ContextValues): Call {
  const call = values.get(callKey);
  if (call === undefined) throw new Error('The call interceptor did not run');
  return call;
}

/** The user who calls. @throws TOKEN_MISSING */
export function principalOf(context: Pick<HandlerContext, 'values'>): Principal {
  const { principal } = callOf(context);
  if (principal === undefined) throw new DomainError('TOKEN_MISSING', 'Sign in to do this.');
  return principal;
}
