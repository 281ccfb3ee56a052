import { cutPage, pageLimit, positionAfter } from '../paging.ts';
import type { PageRequest } from '../paging.ts';
import { encodeCursor } from '../platform/cursor.ts';
import type { Database } from '../platform/postgres.ts';
import { listAuditEvents } from './store-history.ts';
import type { AuditEventRow } from './store-history.ts';

export interface AuditEventPage {
  readonly events: readonly AuditEventRow[];
  readonly nextPageToken: string;
}

const LIST_NAME = 'audit-events';

/** A page of what happened to the account, newest first. @throws PAGE_TOKEN_INVALID */
export async function listOwnAuditEvents(
  deps: { readonly db: Database },
  accountId: string,
  page: PageRequest,
): Promise<AuditEventPage> {
  const limit = pageLimit(page);
  const after = positionAfter(LIST_NAME, page.pageToken);
  const rows = await listAuditEvents(deps.db, { accountId, after, limit: limit + 1 });
  const { items, nextPageToken } = cutPage(rows, limit, (last) =>
    encodeCursor(LIST_NAME, [last.position, last.id]),
  );
  return { events: items, nextPageToken };
}
