import type { Tree } from './template.ts';

/** A page of ours says what it needs; nothing else is ever rendered or framed. */
const CONTENT_SECURITY_POLICY = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";
/** Two years, as browsers ask of a site that is always on TLS. */
const STRICT_TRANSPORT_SECURITY = 'max-age=63072000; includeSubDomains';
/** gRPC's own, which the transcoder leaves behind. */
const LEFTOVERS = [
  'grpc-status',
  'grpc-message',
  'grpc-status-details-bin',
  'grpc-encoding',
  'grpc-accept-encoding',
  'trailer',
];

export interface AnswerHeaderOptions {
  readonly isProduction: boolean;
  /** Whether answers differ by Origin. */
  readonly hasCors: boolean;
}

/**
 * Changes to the headers of REST answers. No cache keeps an answer unless the service says so: most
 * carry tokens, keys or what only one user may see.
 */
export function restAnswerHeaders({ isProduction, hasCors }: AnswerHeaderOptions): Tree[] {
  return [
    ...LEFTOVERS.map((name) => ({ remove: name })),
    absent('cache-control', 'no-store'),
    absent('content-security-policy', CONTENT_SECURITY_POLICY),
    always('x-content-type-options', 'nosniff'),
    always('referrer-policy', 'no-referrer'),
    ...(isProduction ? [always('strict-transport-security', STRICT_TRANSPORT_SECURITY)] : []),
    ...(hasCors ? [always('vary', 'Origin')] : []),
  ];
}

function absent(key: string, value: string): Tree {
  return { append: { header: { key, value }, append_action: 'ADD_IF_ABSENT' } };
}

function always(key: string, value: string): Tree {
  return { append: { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' } };
}
