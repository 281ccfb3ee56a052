import { DomainError } from './errors.ts';
import { decodeCursor } from './platform/cursor.ts';

/** A page as every list takes it (AIP-158). */
export interface PageRequest {
  /** 0 = the default of 20. */
  readonly pageSize: number;
  /** From the page before; empty = the first page. */
  readonly pageToken: string;
}

const DEFAULT_PAGE_SIZE = 20;

export function pageLimit(page: PageRequest): number {
  return page.pageSize === 0 ? DEFAULT_PAGE_SIZE : page.pageSize;
}

/**
 * The position that a page token of `listName` names: a whole number (time or row) and a UUID that
 * breaks ties. @throws PAGE_TOKEN_INVALID
 */
export function positionAfter(
  listName: string,
  pageToken: string,
): readonly [string, string] | undefined {
  if (pageToken === '') return undefined;
  const [position = '', id = ''] = decodeCursor(listName, pageToken, 2) ?? [];
  if (!/^\d{1,18}$/.test(position) || !isUuid(id)) throw pageTokenInvalid();
  return [position, id];
}

export function pageTokenInvalid(): DomainError {
  const violations = [{ field: 'pageToken', description: 'was not made by this list' }];
  return new DomainError('PAGE_TOKEN_INVALID', 'This page does not exist.', { violations });
}

/** A page of `rows`, which hold one row more than `limit` when another page follows. */
export function cutPage<Row>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (last: Row) => string,
): { readonly items: readonly Row[]; readonly nextPageToken: string } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { items, nextPageToken: hasMore ? cursorOf(last) : '' };
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}
