import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { ErrorReason } from '../gen/whispr/auth/v1/error_reason_pb.ts';
import type { Quota } from './platform/quota.ts';

/** Every reason this service answers, as the proto enum lists them. */
export type Reason = Exclude<keyof typeof ErrorReason, 'UNSPECIFIED'>;

/** One field that a caller has to change, by its JSON path. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** What must hold before the call can succeed (google.rpc.PreconditionFailure). */
export interface Precondition {
  readonly type: string;
  readonly subject: string;
  readonly description: string;
}

/** A typed detail of the answer, such as a two-factor challenge. */
export interface ErrorDetail {
  readonly desc: DescMessage;
  readonly value: MessageShape<DescMessage>;
}

export interface DomainErrorOptions {
  /** When trying again can succeed. */
  readonly retryDelayMs?: number;
  /** The limit that refused, all of it used up until `retryDelayMs` from now. */
  readonly quota?: Quota;
  readonly violations?: readonly FieldViolation[];
  readonly preconditions?: readonly Precondition[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly details?: readonly ErrorDetail[];
  readonly cause?: unknown;
}

/** An outcome that ends the call with a reason. `message` is a plain sentence for a person. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly reason: Reason;
  readonly options: DomainErrorOptions;

  constructor(reason: Reason, message: string, options: DomainErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.options = options;
  }
}

/** A store is away: the caller may try again, and nobody is logged out. */
export function storeUnavailable(cause: unknown): DomainError {
  const message = 'The service is busy. Please try again in a moment.';
  return new DomainError('STORE_UNAVAILABLE', message, { retryDelayMs: 1_000, cause });
}
