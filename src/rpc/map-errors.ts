import type { Interceptor } from '@connectrpc/connect';
import { callIn } from './call.ts';
import type { Call } from './call.ts';
import { toConnectError, toDomainError } from './error-map.ts';
import { MessageStream } from './message-stream.ts';
import { WrappedResponse } from './wrapped.ts';

/**
 * Gives every error its status and details, for unary calls and for errors thrown while a stream is
 * read. What we did not expect is logged here, once, with its stack; the client never sees its text.
 */
export function mapErrors(): Interceptor {
  return (next) => async (request) => {
    const call = callIn(request.contextValues);
    try {
      const response = await next(request);
      if (!response.stream) return response;
      const failure = (error: unknown) => mapped(call, error);
      return new WrappedResponse(response, new MessageStream(response.message, { failure }));
    } catch (error) {
      throw mapped(call, error);
    }
  };
}

function mapped(call: Call, thrown: unknown): Error {
  const error = toDomainError(thrown);
  if (error.reason === 'INTERNAL') {
    call.logger.error(
      { event: 'rpc.defect', err: error.cause ?? error },
      'a call failed unexpectedly',
    );
  }
  return toConnectError(error);
}
