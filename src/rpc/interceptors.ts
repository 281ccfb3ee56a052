import type { DescMethod } from '@bufbuild/protobuf';
import type { Interceptor } from '@connectrpc/connect';
import type { Logger } from '../platform/logger.ts';
import type { Registry } from '../platform/metrics.ts';
import { access } from './access.ts';
import type { AccessSettings } from './access.ts';
import { Call, callKey } from './call.ts';
import { deadline } from './deadline.ts';
import type { DeadlineSettings } from './deadline.ts';
import { Edge } from './edge.ts';
import type { EdgeSettings } from './edge.ts';
import { mapErrors } from './map-errors.ts';
import { observe } from './observe.ts';
import { CallRecorder } from './recorder.ts';
import { transportKey } from './transport.ts';
import { validate } from './validate.ts';

export interface EdgeDeps {
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly edge: EdgeSettings;
  readonly access: AccessSettings;
  readonly deadline: DeadlineSettings;
}

export interface NamedInterceptor {
  readonly name: string;
  readonly interceptor: Interceptor;
}

/** What every call passes, outermost first. Both engines serve through the same chain. */
export interface Chain {
  readonly named: readonly NamedInterceptor[];
  readonly interceptors: readonly Interceptor[];
  /** For what an engine refuses before the chain. */
  readonly recorder: CallRecorder;
}

/** Builds the chain once per process, for the methods that will be served. */
export function createChain(deps: EdgeDeps, methods: readonly DescMethod[]): Chain {
  const recorder = new CallRecorder(deps.logger, deps.metrics);
  const named = [
    // Everything below needs the request id and the client's address.
    { name: 'call', interceptor: identify(deps) },
    // Outside `errors`, or its line would not show the status that the client gets.
    { name: 'observe', interceptor: observe(recorder) },
    // Outside all that refuses a call, so that every refusal carries its reason.
    { name: 'errors', interceptor: mapErrors() },
    // Outside `access`, whose token check may wait for PostgreSQL.
    { name: 'deadline', interceptor: deadline(deps.deadline) },
    // Before `validate`: who may not call learns nothing about the fields, and costs no decoding.
    { name: 'access', interceptor: access(deps.access) },
    // Innermost: the first to read the message; a handler relies on every field rule.
    { name: 'validate', interceptor: validate(methods) },
  ];
  return { named, interceptors: named.map(({ interceptor }) => interceptor), recorder };
}

/** Gives the call its identity: request id, client address, caller, logger. */
function identify(deps: EdgeDeps): Interceptor {
  const edge = new Edge(deps.edge);
  return (next) => (request) => {
    const transport = request.contextValues.get(transportKey);
    if (transport === undefined) throw new Error('The engine did not set its transport');
    request.contextValues.set(callKey, new Call(transport, edge, deps.logger));
    return next(request);
  };
}
