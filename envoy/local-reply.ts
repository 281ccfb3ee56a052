import { createRegistry, fromBinary, toJson } from '@bufbuild/protobuf';
import type { JsonValue } from '@bufbuild/protobuf';
import { ErrorInfoSchema, RetryInfoSchema } from '../gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../gen/google/rpc/status_pb.ts';
import { DomainError } from '../src/errors.ts';
import type { Reason } from '../src/errors.ts';
import { statusBytes } from '../src/rpc/error-details.ts';
import { toConnectError } from '../src/rpc/error-map.ts';
import type { Tree } from './template.ts';

/** What the edge answers itself: when, and how the service would have said it. */
interface LocalReply {
  /** Envoy's status, or the first of several. */
  readonly from: number;
  readonly to?: number;
  /** Envoy's short word for the cause, where the status alone is ambiguous. */
  readonly flags?: readonly string[];
  /** Status over REST. */
  readonly status: number;
  readonly reason: Reason;
  readonly message: string;
  /** The parser's words help whoever wrote the request, and tell of nothing but the request. */
  readonly hasParserText?: boolean;
}

const RETRY_DELAY_MS = 1_000;
const BUSY = 'The service is busy. Please try again in a moment.';
const AWAY = 'The service cannot be reached. Please try again in a moment.';
const UNREADABLE = 'The request cannot be read.';

/** First match wins. A reason has the REST status that it has when the service says it. */
const REPLIES: readonly LocalReply[] = [
  { from: 403, status: 403, reason: 'CALLER_NOT_ALLOWED', message: 'This is for services only.' },
  { from: 404, to: 405, status: 404, reason: 'METHOD_UNKNOWN', message: 'There is no such route.' },
  {
    from: 408,
    status: 408,
    reason: 'DEADLINE_PASSED',
    message: 'The request took too long to arrive.',
  },
  { from: 413, status: 400, reason: 'MESSAGE_TOO_LARGE', message: 'The request is too large.' },
  {
    from: 429,
    status: 429,
    reason: 'RATE_LIMITED',
    message: 'Too many requests. Please try again in a moment.',
  },
  {
    from: 400,
    to: 499,
    status: 400,
    reason: 'REQUEST_MALFORMED',
    message: UNREADABLE,
    hasParserText: true,
  },
  { from: 504, status: 504, reason: 'DEADLINE_PASSED', message: 'The answer took too long.' },
  // Too many calls for the connections (UO), or for the edge's own memory (OM).
  { from: 503, flags: ['UO', 'OM'], status: 503, reason: 'OVERLOADED', message: BUSY },
  { from: 502, to: 503, status: 503, reason: 'UPSTREAM_UNAVAILABLE', message: AWAY },
  { from: 500, to: 599, status: 500, reason: 'INTERNAL', message: 'internal error' },
];

/** The parser may quote a whole value, and cannot be told to cut it. */
const IS_SHORT: Tree = {
  extension_filter: {
    name: 'envoy.access_loggers.extension_filters.cel',
    typed_config: {
      '@type':
        'type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
      expression: 'request.size < 2048',
    },
  },
};

/** Sent with every answer that was made before the filters which add headers. */
const SECURITY_HEADERS = [
  header('x-content-type-options', 'nosniff'),
  header('cache-control', 'no-store'),
];

/**
 * Gives what Envoy answers itself the form of the service's own errors: for gRPC in the trailers, for
 * REST (also when the transcoder has already turned the request into gRPC) as JSON.
 */
export function localReplies(): Tree {
  return { mappers: REPLIES.flatMap(mappersFor) };
}

/** Every reason that the edge may write. */
export function localReasons(): Reason[] {
  return [...new Set(REPLIES.map(({ reason }) => reason))];
}

function mappersFor(reply: LocalReply): Tree[] {
  if (reply.hasParserText !== true) return [grpcMapper(reply), restMapper(reply)];
  const explained = restMapper(reply, { text: '%LOCAL_REPLY_BODY%' }, [IS_SHORT]);
  return [grpcMapper(reply), explained, restMapper(reply)];
}

/** Trailers alone, for gRPC-Web too: the body is empty, or its filter would make a status of its own. */
function grpcMapper(reply: LocalReply): Tree {
  const error = toConnectError(domainError(reply));
  const details = statusBytes(error).toString('base64').replaceAll('=', '');
  return {
    filter: allOf([...conditions(reply), ...isGrpc()]),
    status_code: 200,
    headers_to_add: [
      header('content-type', 'application/grpc-web+proto'),
      header('grpc-status', String(error.code)),
      header('grpc-message', reply.message),
      header('grpc-status-details-bin', details),
      ...retryHeaders(error.metadata),
    ],
    body_format_override: { text_format_source: { inline_string: '' } },
  };
}

function restMapper(
  reply: LocalReply,
  metadata: Record<string, string> = {},
  further: Tree[] = [],
): Tree {
  const error = toConnectError(domainError(reply, metadata));
  return {
    filter: allOf([...conditions(reply), ...further]),
    status_code: reply.status,
    headers_to_add: [...SECURITY_HEADERS, ...retryHeaders(error.metadata)],
    body_format_override: { json_format: asObject(bodyOf(error)) },
  };
}

function domainError(reply: LocalReply, metadata: Record<string, string> = {}): DomainError {
  return new DomainError(reply.reason, reply.message, {
    metadata,
    ...(isTemporary(reply) ? { retryDelayMs: RETRY_DELAY_MS } : {}),
  });
}

function isTemporary({ status }: LocalReply): boolean {
  return status === 429 || status === 503;
}

/** The same bytes that the service would send, printed as the transcoder prints them. */
function bodyOf(error: Parameters<typeof statusBytes>[0]): JsonValue {
  const registry = createRegistry(ErrorInfoSchema, RetryInfoSchema);
  return toJson(StatusSchema, fromBinary(StatusSchema, statusBytes(error)), { registry });
}

function conditions({ from, to = from, flags }: LocalReply): Tree[] {
  const status = (op: 'GE' | 'LE', value: number) => ({
    status_code_filter: {
      comparison: { op, value: { default_value: value, runtime_key: `edge.reply.${op}.${value}` } },
    },
  });
  const flag = flags === undefined ? [] : [{ response_flag_filter: { flags: [...flags] } }];
  return [status('GE', from), status('LE', to), ...flag];
}

/** Not one that the transcoder made: it leaves the path that the client named. */
function isGrpc(): Tree[] {
  return [
    {
      header_filter: {
        header: { name: 'content-type', string_match: { prefix: 'application/grpc' } },
      },
    },
    { header_filter: { header: { name: 'x-envoy-original-path', present_match: false } } },
  ];
}

function allOf(filters: Tree[]): Tree {
  return { and_filter: { filters } };
}

function retryHeaders(metadata: Headers): Tree[] {
  const value = metadata.get('retry-after');
  return value === null ? [] : [header('retry-after', value)];
}

function header(key: string, value: string): Tree {
  return { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };
}

function asObject(json: JsonValue): Tree {
  if (typeof json !== 'object' || json === null) throw new Error('A status is an object');
  return structuredClone(json);
}
