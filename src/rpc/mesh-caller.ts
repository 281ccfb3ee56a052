/** `Key=value` of one certificate; a value is quoted, or free of everything that separates. */
const PAIR = /(By|Hash|Cert|Chain|Subject|URI|DNS)=("[^"\\]*"|[^",;=\\]*)/y;
const MAX_HEADER_CHARS = 16_384;

/**
 * The caller's identity (its certificate's URI, a SPIFFE id) from `x-forwarded-client-cert`.
 * Proxies append one element each, so only the last one is our own sidecar's word. The grammar is
 * read strictly from the start: a client that leaves a quote open cannot swallow that element.
 * Undefined when the header has any other form, or the last element no or several URIs.
 */
export function meshCaller(header: string): string | undefined {
  if (header.length > MAX_HEADER_CHARS) return undefined;
  let uris: string[] = [];
  let position = 0;
  for (;;) {
    PAIR.lastIndex = position;
    const pair = PAIR.exec(header);
    if (pair === null) return undefined;
    const [text, key, value = ''] = pair;
    if (key === 'URI') uris.push(value.replaceAll('"', ''));
    position += text.length;
    if (position === header.length) return uris.length === 1 ? uris[0] : undefined;
    const separator = header[position];
    if (separator === ',') uris = [];
    else if (separator !== ';') return undefined;
    position += header[position + 1] === ' ' && separator === ',' ? 2 : 1;
  }
}
