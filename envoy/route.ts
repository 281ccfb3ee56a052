import type { CorsPolicies } from './cors.ts';
import { DEFAULT_REQUEST_BYTES } from './method.ts';
import type { EdgeMethod, EdgeServices } from './method.ts';
import type { Tree } from './template.ts';
import { namesNotInQuery, queryNamesAmong, transcoder } from './transcoder.ts';
import type { Descriptor } from './transcoder.ts';

/** What the table depends on beside the protos. */
export interface RouteOptions {
  readonly cors: CorsPolicies;
  readonly descriptor: Descriptor;
  /** Whether Prometheus' text is served. */
  readonly hasMetrics: boolean;
}

/** Longer than the service's longest deadline (30 s), so that its own answer arrives first. */
const ANSWER_TIMEOUT = '35s';
const BUFFER = 'envoy.filters.http.buffer';
const BUFFER_TYPE = 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute';
const TRANSCODER = 'envoy.filters.http.grpc_json_transcoder';
const OFF = { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', disabled: true };
/** local-reply.ts gives these their bodies. */
const REFUSED = { direct_response: { status: 403 } };
const UNKNOWN = { direct_response: { status: 404 } };
/** gRPC, gRPC-Web, and what the transcoder has turned into gRPC. */
const ANY_GRPC = {
  prefix: '/',
  headers: [{ name: 'content-type', string_match: { prefix: 'application/grpc' } }],
};
/**
 * Where a REST request is until the transcoder gives it its method's route or refuses it: a cluster
 * without hosts, so that nothing passes by the transcoder. No direct response: the CORS filter
 * leaves those alone.
 */
const UNTRANSCODED = { route: { cluster: 'nowhere' } };

/**
 * Every route, first match wins. A REST request passes twice: by its own path for the filters before
 * the transcoder, then by the method's path, which is where native gRPC and gRPC-Web begin. What is
 * not listed, health and reflection among it, does not exist at the edge.
 */
export function routeTable(services: EdgeServices, options: RouteOptions): Tree[] {
  const { methods } = services;
  const reachable = methods.filter(({ isForServices }) => !isForServices);
  const hidden = methods.filter(({ isForServices }) => isForServices);
  return [
    ...reachable.map((method) => methodRoute(method, options)),
    ...hidden.map(({ path }) => ({ match: { path }, ...REFUSED })),
    ...(options.hasMetrics ? [metricsRoute()] : []),
    ...reachable.flatMap((method) => restRoutes(method, services, options)),
    { match: ANY_GRPC, ...UNKNOWN },
    { match: { prefix: '/' }, ...UNTRANSCODED },
  ];
}

function methodRoute(method: EdgeMethod, { cors }: RouteOptions): Tree {
  const filters = { ...sizeLimit(method), ...cors.grpcWeb };
  const route: Tree = {
    match: { path: method.path },
    route: method.isWatch
      ? { cluster: 'auth', timeout: '0s', idle_timeout: '60s' }
      : { cluster: 'auth', timeout: ANSWER_TIMEOUT },
  };
  return Object.keys(filters).length === 0 ? route : { ...route, typed_per_filter_config: filters };
}

/** REST paths that differ from the rest before they are transcoded: by size, or by query parameter. */
function restRoutes(method: EdgeMethod, services: EdgeServices, options: RouteOptions): Tree[] {
  const filters = {
    ...(method.rest.some(({ body }) => body !== undefined) ? sizeLimit(method) : {}),
    ...queryExceptions(method, services, options),
  };
  if (Object.keys(filters).length === 0) return [];
  return method.rest.map(({ path }) => ({
    match: pathMatch(path),
    ...UNTRANSCODED,
    typed_per_filter_config: filters,
  }));
}

function sizeLimit({ maxRequestBytes }: EdgeMethod): { [name: string]: Tree } {
  if (maxRequestBytes === DEFAULT_REQUEST_BYTES) return {};
  const buffer = { max_request_bytes: maxRequestBytes };
  return { [BUFFER]: { '@type': BUFFER_TYPE, buffer } };
}

/** A method may have a query parameter that is a path variable elsewhere: it gets its own transcoder. */
function queryExceptions(
  method: EdgeMethod,
  services: EdgeServices,
  { descriptor }: RouteOptions,
): { [name: string]: Tree } {
  const ignored = namesNotInQuery(services);
  const own = queryNamesAmong(ignored, method);
  if (own.length === 0) return {};
  const others = ignored.filter((name) => !own.includes(name));
  return { [TRANSCODER]: transcoder(services, descriptor, others) };
}

function pathMatch(path: string): { [name: string]: Tree } {
  if (!path.includes('{')) return { path };
  const regex = path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+');
  return { safe_regex: { regex } };
}

function metricsRoute(): Tree {
  const headers = [{ name: ':method', string_match: { exact: 'GET' } }];
  return {
    match: { path: '/metrics', headers },
    route: { cluster: 'metrics', timeout: '10s' },
    typed_per_filter_config: { [TRANSCODER]: OFF },
  };
}
