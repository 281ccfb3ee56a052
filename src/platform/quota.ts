/** A limit as clients are told of it. */
export interface Quota {
  readonly name: string;
  readonly limit: number;
  /** Absent where uses are not counted in a window. */
  readonly windowSeconds?: number;
}

/** How much of a quota its holder has left. */
export interface QuotaState {
  readonly quota: Quota;
  readonly remaining: number;
  /** The time within which no more than `remaining` can be used. */
  readonly resetMs: number;
}

/**
 * The fields `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11, by their
 * names in lower case. A name is a String of RFC 9651, so it must be of plain ASCII without quotes.
 */
export function quotaFields(states: readonly QuotaState[]): readonly (readonly [string, string])[] {
  return [
    ['ratelimit-policy', states.map(({ quota }) => policyItem(quota)).join(', ')],
    ['ratelimit', states.map(limitItem).join(', ')],
  ];
}

function policyItem({ name, limit, windowSeconds }: Quota): string {
  return `"${name}";q=${limit}${windowSeconds === undefined ? '' : `;w=${windowSeconds}`}`;
}

/** Rounded up like Retry-After, which must not name an earlier time (§6 of the draft). */
function limitItem({ quota, remaining, resetMs }: QuotaState): string {
  return `"${quota.name}";r=${Math.max(0, remaining)};t=${Math.max(1, Math.ceil(resetMs / 1000))}`;
}
