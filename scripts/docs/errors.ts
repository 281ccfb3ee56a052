/** docs/errors.md: every reason, from the comments of the proto enum and the table that answers them. */
import { Code } from '@connectrpc/connect';
import type { DescEnum } from '@bufbuild/protobuf';
import { RetryInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { ErrorReason } from '../../gen/whispr/auth/v1/error_reason_pb.ts';
import { DomainError } from '../../src/errors.ts';
import type { Reason } from '../../src/errors.ts';
import { toConnectError } from '../../src/rpc/error-map.ts';
import { STATUS, readReasons } from '../openapi/error.ts';
import type { ErrorLine } from '../openapi/comment.ts';
import { buildRegistry } from '../proto/registry.ts';
import { code, table } from './markdown.ts';

const INTRODUCTION = `# Errors

Every answer other than OK has a \`google.rpc.ErrorInfo\` with a \`reason\` from this list and the domain
\`auth.whispr\`. **Decide by the reason**, never by the message: the message is a plain sentence for the
person who uses the client. The list is append-only; numbers and meanings never change.

Over gRPC the details travel in \`grpc-status-details-bin\`. Over REST the body is

\`\`\`json
{
  "code": 8,
  "message": "Too many attempts. Please wait a moment and try again.",
  "details": [
    {
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      "reason": "RATE_LIMITED",
      "domain": "auth.whispr",
      "metadata": { "limit": "sends_per_address" }
    },
    { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "42s" }
  ]
}
\`\`\`

- *Again* says whether the same call can succeed later. Where it says "after the delay", a
  \`google.rpc.RetryInfo\` (over REST also \`Retry-After\`) tells when; the time in brackets is the answer
  where the error itself knows no better one.
- INVALID_ARGUMENT names the fields in \`google.rpc.BadRequest\`.
- UNAVAILABLE never means signed out: keep tokens and keys, and try again.
- UNAUTHENTICATED \`TOKEN_EXPIRED\` at a call with an access token means: refresh once, then try again.

`;

/** @throws Error when a comment and the table of answers name different statuses */
export function errorsPage(): string {
  const rows = [...readReasons(reasonEnum()).values()].map(row);
  return INTRODUCTION + table(['Reason', 'gRPC', 'HTTP', 'When', 'Again'], rows);
}

function row(line: ErrorLine): string[] {
  const answer = toConnectError(new DomainError(reasonOf(line), 'a sentence'));
  const answered: number = answer.code;
  const [number, http] = STATUS[line.status] ?? [];
  if (number === undefined || http === undefined || answered !== number) {
    throw new Error(
      `${line.reason}: the comment says ${line.status}, the answer is ${Code[answer.code]}`,
    );
  }
  const [retry] = answer.findDetails(RetryInfoSchema);
  const seconds = retry?.retryDelay?.seconds;
  const again = againOf(line, seconds);
  return [code(line.reason), line.status, String(http), sentence(line.when), again];
}

function againOf({ status, reason }: ErrorLine, seconds: bigint | undefined): string {
  if (seconds !== undefined) return `after the delay (${seconds} s)`;
  if (reason === 'TOKEN_EXPIRED') return 'after a refresh';
  if (status === 'DEADLINE_EXCEEDED' || status === 'CANCELLED') return 'yes, if it may run twice';
  return 'no';
}

function sentence(when: string): string {
  return when.endsWith('.') ? when : `${when}.`;
}

function reasonEnum(): DescEnum {
  const found = buildRegistry().getEnum('whispr.auth.v1.ErrorReason');
  if (!found) throw new Error('The protos have no whispr.auth.v1.ErrorReason');
  return found;
}

function reasonOf({ reason }: ErrorLine): Reason {
  if (isReason(reason)) return reason;
  throw new Error(`gen/ does not know ${reason}: generate it first`);
}

function isReason(name: string): name is Reason {
  return name !== 'UNSPECIFIED' && name in ErrorReason;
}
