import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Interceptor, StreamResponse } from '@connectrpc/connect';
import { callIn } from './call.ts';
import type { Call } from './call.ts';
import { reasonOf } from './error-map.ts';
import { MessageStream } from './message-stream.ts';
import type { CallRecorder, Outcome } from './recorder.ts';
import { WrappedResponse } from './wrapped.ts';

const OK: Outcome = { code: undefined, reason: undefined };
const CANCELLED: Outcome = { code: Code.Canceled, reason: 'CALL_CANCELLED' };
/** The client gave up waiting, or the engine told it so. */
const TOO_LATE: Outcome = { code: Code.DeadlineExceeded, reason: 'DEADLINE_PASSED' };

/**
 * One log line and one sample per call, when it is over; for a stream, when its last message is out.
 * Stands outside `errors`, so it sees the status that the client gets.
 */
export function observe(recorder: CallRecorder): Interceptor {
  const names = new Map<DescMethod, string>();
  return (next) => async (request) => {
    const call = callIn(request.contextValues);
    const method = names.get(request.method) ?? remember(names, request.method);
    const startedAt = performance.now();
    try {
      const response = await next(request);
      if (response.stream) return new ObservedCall(recorder, call, method).follow(response);
      const outcome = outcomeOf(call, undefined);
      recorder.unary(call, { method, outcome, durationMs: performance.now() - startedAt });
      return response;
    } catch (error) {
      const outcome = outcomeOf(call, error);
      recorder.unary(call, { method, outcome, durationMs: performance.now() - startedAt });
      throw error;
    }
  };
}

/** A stream from its first message to its end. */
class ObservedCall {
  readonly #recorder: CallRecorder;
  readonly #call: Call;
  readonly #method: string;
  readonly #startedAt = performance.now();
  #messages = 0;

  constructor(recorder: CallRecorder, call: Call, method: string) {
    this.#recorder = recorder;
    this.#call = call;
    this.#method = method;
    recorder.opened(method);
  }

  follow(response: StreamResponse): StreamResponse {
    const messages = new MessageStream(response.message, {
      message: () => (this.#messages += 1),
      end: (error) => {
        this.#end(error);
      },
    });
    return new WrappedResponse(response, messages);
  }

  #end(error: unknown): void {
    this.#recorder.closed(this.#call, {
      method: this.#method,
      outcome: outcomeOf(this.#call, error),
      durationMs: performance.now() - this.#startedAt,
      messages: this.#messages,
    });
  }
}

function outcomeOf(call: Call, error: unknown): Outcome {
  const { isCancelled, deadlineAtMs } = call.transport;
  if (isCancelled) return Date.now() >= deadlineAtMs ? TOO_LATE : CANCELLED;
  if (error === undefined) return OK;
  const code = error instanceof ConnectError ? error.code : Code.Unknown;
  return { code, reason: reasonOf(error) };
}

function remember(names: Map<DescMethod, string>, method: DescMethod): string {
  const name = `${method.parent.typeName}/${method.name}`;
  names.set(method, name);
  return name;
}
