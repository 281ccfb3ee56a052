import { cutPage, pageLimit, positionAfter } from '../paging.ts';
import type { PageRequest } from '../paging.ts';
import { encodeCursor } from '../platform/cursor.ts';
import type { Database } from '../platform/postgres.ts';
import type { Principal } from '../token/principal.ts';
import type { ListedSessionRow } from './store.ts';
import { listSessions } from './store.ts';

export interface ListDeps {
  readonly db: Database;
}

export interface SessionPage {
  readonly sessions: readonly ListedSessionRow[];
  readonly nextPageToken: string;
}

const LIST_NAME = 'sessions';

/** The account's living sessions, last used first. @throws PAGE_TOKEN_INVALID */
export async function listOwnSessions(
  deps: ListDeps,
  principal: Principal,
  page: PageRequest,
): Promise<SessionPage> {
  const limit = pageLimit(page);
  const after = positionAfter(LIST_NAME, page.pageToken);
  const rows = await listSessions(deps.db, {
    accountId: principal.accountId,
    after,
    limit: limit + 1,
  });
  const { items, nextPageToken } = cutPage(rows, limit, (last) =>
    encodeCursor(LIST_NAME, [last.position, last.id]),
  );
  return { sessions: items, nextPageToken };
}
