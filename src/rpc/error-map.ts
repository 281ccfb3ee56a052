import { Code, ConnectError } from '@connectrpc/connect';
import { DomainError, storeUnavailable } from '../errors.ts';
import type { Reason } from '../errors.ts';
import { PostgresUnavailable } from '../platform/postgres.ts';
import { quotaFields } from '../platform/quota.ts';
import { RedisUnavailable } from '../platform/redis.ts';
import { encodeDetails } from './error-details.ts';

interface Row {
  readonly code: Code;
  /** When to come back, if the error itself does not say. */
  readonly retryDelayMs?: number;
}

const invalid = { code: Code.InvalidArgument } as const;
const precondition = { code: Code.FailedPrecondition } as const;
const unauthenticated = { code: Code.Unauthenticated } as const;
const denied = { code: Code.PermissionDenied } as const;
const notFound = { code: Code.NotFound } as const;
const exists = { code: Code.AlreadyExists } as const;
const outOfRange = { code: Code.OutOfRange } as const;
/** A minute: limits and locks say themselves how long, so this is only the answer of last resort. */
const exhausted = { code: Code.ResourceExhausted, retryDelayMs: 60_000 } as const;
/** Two seconds: a fail-over takes a few, and every replica that comes back would be asked at once. */
const unavailable = { code: Code.Unavailable, retryDelayMs: 2_000 } as const;

/** The status of every reason; error_reason.proto says the same in words, and a test compares them. */
const TABLE = {
  VALIDATION_FAILED: invalid,
  REQUEST_MALFORMED: invalid,
  MESSAGE_TOO_LARGE: invalid,
  METHOD_UNKNOWN: { code: Code.Unimplemented },
  DEADLINE_PASSED: { code: Code.DeadlineExceeded },
  CALL_CANCELLED: { code: Code.Canceled },
  PAGE_TOKEN_INVALID: invalid,
  CURSOR_INVALID: invalid,
  CURSOR_TOO_OLD: outOfRange,
  TOKEN_MISSING: unauthenticated,
  TOKEN_INVALID: unauthenticated,
  TOKEN_EXPIRED: unauthenticated,
  SESSION_REVOKED: unauthenticated,
  REFRESH_REUSED: unauthenticated,
  SESSION_NOT_FOUND: notFound,
  CODE_WRONG: invalid,
  CODE_EXPIRED: precondition,
  CODE_ATTEMPTS_EXCEEDED: precondition,
  VERIFICATION_UNKNOWN: precondition,
  VERIFICATION_UNCONFIRMED: precondition,
  VERIFICATION_SPENT: precondition,
  NUMBER_REFUSED: invalid,
  SMS_UNAVAILABLE: { code: Code.Unavailable, retryDelayMs: 30_000 },
  ACCOUNT_EXISTS: exists,
  ACCOUNT_DORMANT: exists,
  ACCOUNT_NOT_FOUND: precondition,
  ACCOUNT_LOCKED_DOWN: denied,
  LOCKDOWN_WAITING: precondition,
  NUMBER_TAKEN: exists,
  NUMBER_UNCHANGED: precondition,
  RECOVERY_UNAVAILABLE: precondition,
  RECOVERY_NOT_FOUND: notFound,
  RECOVERY_WAITING: precondition,
  TWO_FACTOR_REQUIRED: denied,
  TWO_FACTOR_CODE_WRONG: invalid,
  TWO_FACTOR_LOCKED: exhausted,
  TWO_FACTOR_REFUSING: precondition,
  TWO_FACTOR_ALREADY_ENABLED: precondition,
  TWO_FACTOR_NOT_ENABLED: precondition,
  TWO_FACTOR_SETUP_MISSING: precondition,
  CHALLENGE_INVALID: precondition,
  STEP_UP_REQUIRED: denied,
  STEP_UP_NOT_ALLOWED: denied,
  DEVICE_LIMIT: precondition,
  DEVICE_NOT_FOUND: notFound,
  DEVICE_NOT_REPLACEABLE: precondition,
  LINK_NOT_FOUND: notFound,
  LINK_EXPIRED: precondition,
  LINK_STATE_WRONG: precondition,
  LINK_SCANNED_TWICE: { code: Code.Aborted },
  LINK_NUMBER_WRONG: invalid,
  LINK_PROOF_INVALID: invalid,
  KEY_FORMAT_INVALID: invalid,
  KEY_SIGNATURE_INVALID: invalid,
  KEY_SIGNATURE_MISSING: invalid,
  KEY_ID_REUSED: exists,
  KEY_IDS_SCATTERED: precondition,
  KEY_POOL_FULL: precondition,
  KEYS_NOT_PUBLISHED: precondition,
  KEYS_ALREADY_PUBLISHED: exists,
  KEYS_NOT_FOUND: notFound,
  LOG_SIZE_UNKNOWN: outOfRange,
  LOG_TILE_NOT_FOUND: notFound,
  LOG_HALTED: unavailable,
  RATE_LIMITED: exhausted,
  OVERLOADED: unavailable,
  STORE_UNAVAILABLE: unavailable,
  NOT_READY: unavailable,
  SHUTTING_DOWN: unavailable,
  UPSTREAM_UNAVAILABLE: unavailable,
  RESTORE_PENDING: { code: Code.Unavailable, retryDelayMs: 60_000 },
  INTERNAL: { code: Code.Internal },
  CALLER_NOT_ALLOWED: denied,
  WEBHOOK_SIGNATURE_INVALID: denied,
  ASSET_NOT_FOUND: notFound,
} as const satisfies Record<Reason, Row>;

/** The gRPC status of a reason. */
export function statusOf(reason: Reason): Code {
  return TABLE[reason].code;
}

/** Any thrown value as one of our reasons; what we did not expect is INTERNAL, its message kept away. */
export function toDomainError(thrown: unknown): DomainError {
  if (thrown instanceof DomainError) return thrown;
  if (thrown instanceof PostgresUnavailable || thrown instanceof RedisUnavailable) {
    return storeUnavailable(thrown);
  }
  if (thrown instanceof ConnectError) return fromConnect(thrown);
  return internal(thrown);
}

/** The error as every engine sends it: status, sentence, details, and the headers that REST needs. */
export function toConnectError(error: DomainError): ConnectError {
  const row: Row = TABLE[error.reason];
  const retryDelayMs = error.options.retryDelayMs ?? row.retryDelayMs;
  const metadata = new Headers();
  if (isRetryable(row.code) && retryDelayMs !== undefined) {
    metadata.set('retry-after', String(Math.max(1, Math.ceil(retryDelayMs / 1000))));
  }
  if (error.options.quota !== undefined && retryDelayMs !== undefined) {
    const state = { quota: error.options.quota, remaining: 0, resetMs: retryDelayMs };
    for (const [name, value] of quotaFields([state])) metadata.set(name, value);
  }
  if (row.code === Code.Unauthenticated)
    metadata.set('www-authenticate', challengeOf(error.reason));
  const answer = new ConnectError(error.message, row.code, metadata, undefined, error);
  answer.details = encodeDetails(
    error,
    isRetryable(row.code) ? retryDelayMs : error.options.retryDelayMs,
  );
  return answer;
}

/** The reason of an error on its way to the client; undefined if it did not pass `toConnectError`. */
export function reasonOf(error: unknown): Reason | undefined {
  return error instanceof ConnectError && error.cause instanceof DomainError
    ? error.cause.reason
    : undefined;
}

/** @see RFC 6750 §3 */
function challengeOf(reason: Reason): string {
  const realm = 'Bearer realm="whispr"';
  return reason === 'TOKEN_MISSING' ? realm : `${realm}, error="invalid_token"`;
}

function isRetryable(code: Code): boolean {
  return code === Code.ResourceExhausted || code === Code.Unavailable;
}

function internal(cause: unknown): DomainError {
  return new DomainError('INTERNAL', 'internal error', { cause });
}

/**
 * Errors that connect-node raises itself while it reads a request. Their text quotes the input, so
 * a sentence of ours replaces it. One that came over the wire is an outbound call's: a bug of ours.
 */
export function fromConnect(error: ConnectError): DomainError {
  if (error.cause instanceof DomainError) return error.cause;
  const options = { cause: error };
  if (error.isWireError || isOurFault(error)) return internal(error);
  if (error.code === Code.DeadlineExceeded) {
    return new DomainError('DEADLINE_PASSED', 'The answer took too long.', options);
  }
  if (error.code === Code.Canceled) {
    return new DomainError('CALL_CANCELLED', 'The call was cancelled.', options);
  }
  if (error.code === Code.ResourceExhausted) {
    return new DomainError('MESSAGE_TOO_LARGE', 'The request is too large.', options);
  }
  return new DomainError('REQUEST_MALFORMED', 'The request cannot be read.', options);
}

/** What connect-node answers while it reads. Anything else was thrown by an outbound call. */
const READING_CODES: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.Unimplemented,
  Code.ResourceExhausted,
  Code.DeadlineExceeded,
  Code.Canceled,
  Code.Internal,
]);

/** Code INTERNAL also stands for bytes that cannot be parsed or inflated: that is the caller's. */
function isOurFault({ code, rawMessage }: ConnectError): boolean {
  if (rawMessage.includes('writeMaxBytes') || !READING_CODES.has(code)) return true;
  if (code !== Code.Internal) return false;
  return !/^(parse binary|received compressed envelope|decompression failed)/.test(rawMessage);
}
