import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { createServiceImplSpec } from '@connectrpc/connect';
import type { MethodImplSpec, ServiceImpl } from '@connectrpc/connect';
import { DomainError } from '../errors.ts';

/** A service and its handlers, as every engine registers them. */
export interface Route {
  readonly service: DescService;
  readonly methods: readonly MethodImplSpec[];
}

/**
 * Joins a service with its handlers. `implementation` must be a variable typed `ServiceImpl<…>`:
 * a missing RPC then does not compile, whereas Connect's router takes a part.
 */
export function route<Service extends DescService>(
  service: Service,
  implementation: ServiceImpl<Service>,
): Route {
  return {
    service,
    methods: Object.values(createServiceImplSpec(service, implementation).methods),
  };
}

export function methodsOf(routes: readonly Route[]): DescMethod[] {
  return routes.flatMap(({ methods }) => methods.map(({ method }) => method));
}

/** Handlers for RPCs that come with a later issue: METHOD_UNKNOWN, as if the service were older. */
export function unimplemented<
  Service extends DescService,
  Name extends keyof Service['method'] & string,
>(service: Service, names: readonly Name[]): Pick<ServiceImpl<Service>, Name>;
export function unimplemented(
  service: DescService,
  names: readonly string[],
): Record<string, () => never> {
  const refuse = (): never => {
    throw new DomainError('METHOD_UNKNOWN', 'This is not available yet.');
  };
  const known = new Set(service.methods.map(({ localName }) => localName));
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined) throw new Error(`${service.typeName} has no method ${unknown}`);
  return Object.fromEntries(names.map((name) => [name, refuse]));
}
