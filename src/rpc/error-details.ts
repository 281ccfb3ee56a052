import { create, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import type { ConnectError } from '@connectrpc/connect';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  RetryInfoSchema,
} from '../../gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../gen/google/rpc/status_pb.ts';
import type { DomainError } from '../errors.ts';

/** A detail as Connect keeps it, already encoded: every engine sends the same bytes. */
type EncodedDetail = ConnectError['details'][number] & { type: string; value: Uint8Array };

const DOMAIN = 'auth.whispr';

/**
 * Details travel in one header. Proxies bound all headers of an answer together (60 KiB in Envoy by
 * default, and 48 KB of details was seen to turn a 400 into a 503).
 */
const MAX_DETAIL_BYTES = 4_096;
const MAX_VIOLATIONS = 16;
const MAX_TEXT_CHARS = 110;

/**
 * google.rpc details of an error: always ErrorInfo first, then what the error names. What does not
 * fit is left out from the end, so the reason always arrives.
 */
export function encodeDetails(
  error: DomainError,
  retryDelayMs: number | undefined,
): EncodedDetail[] {
  const { violations = [], preconditions = [], details = [] } = error.options;
  const encoded = [encode(ErrorInfoSchema, errorInfo(error))];
  if (retryDelayMs !== undefined) {
    encoded.push(encode(RetryInfoSchema, { retryDelay: durationFromMs(Math.ceil(retryDelayMs)) }));
  }
  for (const { desc, value } of details) encoded.push(encode(desc, value));
  if (violations.length > 0) {
    const fieldViolations = violations.slice(0, MAX_VIOLATIONS).map(({ field, description }) => ({
      field: shortened(field),
      description: shortened(description),
    }));
    encoded.push(encode(BadRequestSchema, { fieldViolations }));
  }
  if (preconditions.length > 0) {
    const named = preconditions.slice(0, MAX_VIOLATIONS);
    encoded.push(
      encode(PreconditionFailureSchema, { violations: named.map((one) => ({ ...one })) }),
    );
  }
  return fitting(encoded);
}

/** The `grpc-status-details-bin` of an error. */
export function statusBytes(error: ConnectError): Buffer {
  const details = error.details.flatMap((detail) =>
    'type' in detail
      ? [{ typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value }]
      : [],
  );
  const status = create(StatusSchema, { code: error.code, message: error.rawMessage, details });
  return Buffer.from(toBinary(StatusSchema, status));
}

function errorInfo(error: DomainError): MessageInitShape<typeof ErrorInfoSchema> {
  const { metadata = {}, violations = [] } = error.options;
  const all: Record<string, string> = { ...metadata };
  if (violations.length > MAX_VIOLATIONS) all['violations'] = String(violations.length);
  return { reason: error.reason, domain: DOMAIN, metadata: all };
}

function encode<Desc extends DescMessage>(desc: Desc, init: MessageInitShape<Desc>): EncodedDetail {
  return { type: desc.typeName, value: toBinary(desc, create(desc, init)) };
}

function fitting(encoded: EncodedDetail[]): EncodedDetail[] {
  let left = MAX_DETAIL_BYTES;
  return encoded.filter(({ value }, index) => {
    if (index > 0 && value.length > left) return false;
    left -= value.length;
    return true;
  });
}

/** Field paths can hold a map key of the caller, so they are bounded like everything else. */
function shortened(text: string): string {
  return text.length > MAX_TEXT_CHARS
    ? `${text.slice(0, MAX_TEXT_CHARS - 1).toWellFormed()}…`
    : text;
}
