import { Code, ConnectError } from '@connectrpc/connect';
import type { StreamResponse } from '@connectrpc/connect';
import { DomainError } from '../errors.ts';
import type { Principal } from '../token/principal.ts';
import type { Call } from './call.ts';
import type { Drain } from './drain.ts';
import { MessageStream } from './message-stream.ts';
import { WrappedResponse } from './wrapped.ts';

export interface StreamLimits {
  /** Age at which a stream ends with OK, ± 10 %, so that watches do not all come back at once. */
  readonly watchMaxAgeMs: number;
  readonly drain: Drain;
  /** Calls `ended` when the session of `principal` is revoked; returns how to stop watching. */
  readonly watchSession?: (principal: Principal, ended: () => void) => () => void;
}

type Stop = () => void;

const MAX_TIMER_MS = 2 ** 31 - 1;

/** What ends an open stream, other than its handler and its client. */
export class StreamLife {
  readonly #limits: StreamLimits;
  readonly #stops: Stop[] = [];
  #isOver = false;

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  /** Starts the clocks on the messages of a response; `signal` aborts when the client is gone. */
  bound(call: Call, response: StreamResponse, signal: AbortSignal): StreamResponse {
    const messages = new MessageStream(response.message, {
      end: () => {
        this.#over();
      },
    });
    const end = (error: DomainError) => {
      messages.fail(error);
    };
    const { watchMaxAgeMs, drain } = this.#limits;
    this.#until(after(watchMaxAgeMs * (0.9 + Math.random() * 0.2), () => messages.close()));
    this.#until(drain.onStart(() => end(shuttingDown())));
    const leave = () => (isDeadline(signal) ? end(deadlinePassed()) : messages.close());
    this.#until(onAbort(signal, leave));
    this.#untilDeadline(call, end);
    if (call.principal !== undefined) this.#whileSignedIn(call.principal, end);
    return new WrappedResponse(response, messages);
  }

  #untilDeadline({ transport }: Call, end: (error: DomainError) => void): void {
    if (transport.deadlineAtMs === Infinity) return;
    this.#until(after(transport.deadlineAtMs - Date.now(), () => end(deadlinePassed())));
  }

  #whileSignedIn(principal: Principal, end: (error: DomainError) => void): void {
    const leftMs = principal.expiresAtSeconds * 1000 - Date.now();
    this.#until(
      after(leftMs, () => end(new DomainError('TOKEN_EXPIRED', 'Your session must be renewed.'))),
    );
    const stop = this.#limits.watchSession?.(principal, () =>
      end(new DomainError('SESSION_REVOKED', 'This session has ended. Please sign in again.')),
    );
    if (stop !== undefined) this.#until(stop);
  }

  #until(stop: Stop): void {
    if (this.#isOver) stop();
    else this.#stops.push(stop);
  }

  #over(): void {
    this.#isOver = true;
    for (const stop of this.#stops.splice(0)) stop();
  }
}

/** A timer that keeps no process alive; returns how to stop it. */
function after(delayMs: number, then: () => void): Stop {
  const timer = setTimeout(then, Math.min(Math.max(delayMs, 0), MAX_TIMER_MS)).unref();
  return () => {
    clearTimeout(timer);
  };
}

/** connect-node aborts with an error of its own at the client's deadline, just before our timer. */
function isDeadline({ reason }: AbortSignal): boolean {
  return reason instanceof ConnectError && reason.code === Code.DeadlineExceeded;
}

function onAbort(signal: AbortSignal, then: () => void): Stop {
  if (signal.aborted) then();
  signal.addEventListener('abort', then, { once: true });
  return () => {
    signal.removeEventListener('abort', then);
  };
}

export function deadlinePassed(): DomainError {
  return new DomainError('DEADLINE_PASSED', 'The answer took too long. Please try again.');
}

export function shuttingDown(): DomainError {
  return new DomainError('SHUTTING_DOWN', 'Please connect again.', { retryDelayMs: 1_000 });
}
