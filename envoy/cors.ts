import type { Tree } from './template.ts';

const FILTER = 'envoy.filters.http.cors';
const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy';
const REQUEST_HEADERS = ['Authorization', 'Content-Type', 'Accept', 'X-Device-Type'];
const GRPC_WEB_REQUEST_HEADERS = ['X-Grpc-Web', 'X-User-Agent', 'Grpc-Timeout'];
const EXPOSED = ['Retry-After', 'X-Request-Id'];
const GRPC_WEB_EXPOSED = ['Grpc-Status', 'Grpc-Message', 'Grpc-Status-Details-Bin'];

/** Scheme and host as browsers send them; apps in web views have schemes of their own. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/\s*?#]+$/;

/** Policies by filter name, for the REST routes and for the paths of gRPC-Web. */
export interface CorsPolicies {
  readonly rest: { [name: string]: Tree } | undefined;
  readonly grpcWeb: { [name: string]: Tree } | undefined;
}

/**
 * Allows exactly these origins; without any, browsers of other origins get no answer they may read.
 * @throws Error for what is no origin, a wildcard too
 */
export function corsPolicies(origins: readonly string[]): CorsPolicies {
  const wrong = origins.find((origin) => !ORIGIN.test(origin));
  if (wrong !== undefined) {
    throw new Error(`CORS_ORIGINS: '${wrong}' is no origin such as https://app.example.com`);
  }
  if (origins.length === 0) return { rest: undefined, grpcWeb: undefined };
  return {
    rest: { [FILTER]: policy(origins, EXPOSED) },
    grpcWeb: { [FILTER]: policy(origins, [...EXPOSED, ...GRPC_WEB_EXPOSED]) },
  };
}

function policy(origins: readonly string[], exposed: readonly string[]): Tree {
  return {
    '@type': TYPE,
    allow_origin_string_match: origins.map((origin) => ({ exact: origin })),
    allow_methods: 'GET, POST, DELETE',
    allow_headers: [...REQUEST_HEADERS, ...GRPC_WEB_REQUEST_HEADERS].join(', '),
    expose_headers: exposed.join(', '),
    // Ten minutes: a withdrawn origin is not asked about for longer.
    max_age: '600',
  };
}
