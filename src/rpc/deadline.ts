import type { Interceptor } from '@connectrpc/connect';
import { callIn } from './call.ts';
import { StreamLife, deadlinePassed } from './stream-life.ts';
import type { StreamLimits } from './stream-life.ts';

export interface DeadlineSettings extends StreamLimits {
  /** For unary calls whose client names no deadline, and for opening a stream. */
  readonly unaryDeadlineMs: number;
}

/** The longest time a unary client may ask for. */
const MAX_UNARY_DEADLINE_MS = 30_000;

/**
 * Ends calls in time. A unary call answers DEADLINE_EXCEEDED at its deadline, whatever its handler
 * still does. A stream has to open in time, and then has other ends: see `StreamLife`.
 * Stands inside `errors`, which gives the passed deadline its details, and outside `access`, whose
 * token check may wait for PostgreSQL.
 */
export function deadline(settings: DeadlineSettings): Interceptor {
  return (next) => (request) => {
    const call = callIn(request.contextValues);
    if (request.stream) {
      const opening = within(settings.unaryDeadlineMs, () => next(request));
      return opening.then((response) =>
        response.stream ? new StreamLife(settings).bound(call, response, request.signal) : response,
      );
    }
    const now = Date.now();
    const asked = call.transport.deadlineAtMs;
    const allowedMs = asked === Infinity ? settings.unaryDeadlineMs : MAX_UNARY_DEADLINE_MS;
    call.deadlineAtMs = Math.min(asked, now + allowedMs);
    return within(call.deadlineAtMs - now, () => next(request));
  };
}

function within<T>(timeLeftMs: number, answer: () => Promise<T>): Promise<T> {
  if (timeLeftMs <= 0) return Promise.reject(deadlinePassed());
  return new Promise((resolve, reject) => {
    // A call that was cut off must not keep the process from ending.
    const timer = setTimeout(() => {
      reject(deadlinePassed());
    }, timeLeftMs).unref();
    const settle = <V>(then: (value: V) => void) => {
      return (value: V) => {
        clearTimeout(timer);
        then(value);
      };
    };
    try {
      answer().then(settle(resolve), settle(reject));
    } catch (error) {
      settle(reject)(error);
    }
  });
}
