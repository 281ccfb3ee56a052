/** Error responses: one entry per reason, grouped by the HTTP status that the transcoder makes of it. */
import type { DescEnum } from '@bufbuild/protobuf';
import { AccessLevel } from '../../gen/whispr/options/v1/access_pb.ts';
import { commentOf } from './comment.ts';
import type { ErrorLine } from './comment.ts';
import type { JsonObject } from './json.ts';
import { compact } from './json.ts';

/** gRPC's code and the HTTP status that Envoy answers for it. */
export const STATUS: Readonly<Record<string, readonly [code: number, http: number]>> = {
  CANCELLED: [1, 499],
  INVALID_ARGUMENT: [3, 400],
  DEADLINE_EXCEEDED: [4, 504],
  NOT_FOUND: [5, 404],
  ALREADY_EXISTS: [6, 409],
  PERMISSION_DENIED: [7, 403],
  RESOURCE_EXHAUSTED: [8, 429],
  FAILED_PRECONDITION: [9, 400],
  ABORTED: [10, 409],
  OUT_OF_RANGE: [11, 400],
  UNIMPLEMENTED: [12, 501],
  INTERNAL: [13, 500],
  UNAVAILABLE: [14, 503],
  UNAUTHENTICATED: [16, 401],
};

/** What every method may answer. */
const EVERYWHERE = [
  ...['VALIDATION_FAILED', 'REQUEST_MALFORMED', 'MESSAGE_TOO_LARGE', 'RATE_LIMITED', 'INTERNAL'],
  ...[
    'STORE_UNAVAILABLE',
    'OVERLOADED',
    'SHUTTING_DOWN',
    'UPSTREAM_UNAVAILABLE',
    'DEADLINE_PASSED',
  ],
];
const WITH_BEARER = ['TOKEN_INVALID', 'TOKEN_EXPIRED', 'SESSION_REVOKED'];

/** The reasons of the enum with what their comments say. */
export type Reasons = ReadonlyMap<string, ErrorLine>;

/**
 * Reads the enum of reasons.
 * @throws Error when a comment is not `STATUS: when` with a known status
 */
export function readReasons(desc: DescEnum): Reasons {
  const reasons = new Map<string, ErrorLine>();
  for (const value of desc.values.filter((candidate) => candidate.number !== 0)) {
    const [, status, when] = /^([A-Z_]+): ([\s\S]+)$/.exec(commentOf(value)) ?? [];
    if (status === undefined || when === undefined || STATUS[status] === undefined) {
      throw new Error(`${value.name}: the comment is not "STATUS: when"`);
    }
    const reason = value.name.slice('ERROR_REASON_'.length);
    reasons.set(reason, { status, reason, when });
  }
  return reasons;
}

/**
 * The error responses of a method, by HTTP status.
 * @throws Error when a line names an unknown reason, or a status that the reason does not have
 */
export function errorResponses(
  reasons: Reasons,
  lines: readonly ErrorLine[],
  access: AccessLevel,
): JsonObject {
  const byStatus = new Map<number, ErrorLine[]>();
  for (const line of [...lines, ...commonLines(reasons, lines, access)]) {
    if (reasons.get(line.reason)?.status !== line.status) {
      throw new Error(`${line.status} ${line.reason}: not a reason with this status`);
    }
    const http = httpStatus(line.status);
    byStatus.set(http, [...(byStatus.get(http) ?? []), line]);
  }
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([http, group]) => [String(http), response(http, group)]),
  );
}

/** `components.examples`: the body of every reason. */
export function errorExamples(reasons: Reasons): JsonObject {
  return Object.fromEntries(
    [...reasons.values()].map(({ status, reason, when }) => [
      reason,
      {
        summary: reason,
        value: {
          code: STATUS[status]?.[0] ?? 2,
          message: 'A plain sentence for the user.',
          details: [
            {
              '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
              reason,
              domain: 'auth.whispr',
              metadata: {},
            },
          ],
        },
        description: when,
      },
    ]),
  );
}

/** The schema of an error's body. */
export function errorSchema(reasons: Reasons): JsonObject {
  const text = (description: string): JsonObject => ({ type: 'string', description });
  return {
    type: 'object',
    description: 'The body of every answer other than 2xx.',
    properties: {
      code: { type: 'integer', minimum: 1, maximum: 16, description: 'The gRPC status.' },
      message: text('A plain sentence for the user.'),
      details: {
        type: 'array',
        description: 'Messages packed with their type. There is always one google.rpc.ErrorInfo.',
        items: {
          type: 'object',
          description: 'One detail; which other fields there are depends on its type.',
          properties: {
            '@type': text('Type of the detail.'),
            reason: {
              ...text('Of ErrorInfo: why the call failed. Decide by this, not by the message.'),
              enum: [...reasons.keys()],
            },
            domain: text('Of ErrorInfo: always `auth.whispr`.'),
            retryDelay: text('Of RetryInfo: when to try again, such as `30s`.'),
          },
          required: ['@type'],
        },
      },
    },
    required: ['code', 'message', 'details'],
  };
}

function commonLines(
  reasons: Reasons,
  own: readonly ErrorLine[],
  access: AccessLevel,
): ErrorLine[] {
  const names = [
    ...(access === AccessLevel.USER ? ['TOKEN_MISSING'] : []),
    ...(access === AccessLevel.PUBLIC ? [] : WITH_BEARER),
    ...EVERYWHERE,
  ];
  return names
    .filter((name) => !own.some((line) => line.reason === name))
    .map((reason) => reasons.get(reason) ?? { status: 'unknown', reason, when: '' });
}

function httpStatus(status: string): number {
  return STATUS[status]?.[1] ?? 500;
}

function response(http: number, lines: readonly ErrorLine[]): JsonObject {
  return compact({
    description: lines
      .map(({ status, reason, when }) => `- \`${reason}\` (${status}): ${when}`)
      .join('\n'),
    headers: errorHeaders(http),
    content: {
      'application/json': {
        schema: { $ref: '#/components/schemas/Error' },
        examples: Object.fromEntries(
          lines.map(({ reason }) => [reason, { $ref: `#/components/examples/${reason}` }]),
        ),
      },
    },
  });
}

function errorHeaders(http: number): JsonObject | undefined {
  if (http === 401) {
    const schema = { type: 'string' };
    return {
      'WWW-Authenticate': { description: 'RFC 6750: what is wrong with the bearer.', schema },
    };
  }
  if (http !== 429 && http !== 503) return undefined;
  const schema = { type: 'integer', minimum: 0 };
  return { 'Retry-After': { description: 'Seconds after which to try again.', schema } };
}
