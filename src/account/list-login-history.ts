import { cutPage, pageLimit, pageTokenInvalid } from '../paging.ts';
import type { PageRequest } from '../paging.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import type { Database } from '../platform/postgres.ts';
import { listLoginHistory } from './store-history.ts';
import type { LoginHistoryRow } from './store-history.ts';

export interface ListHistoryDeps {
  readonly db: Database;
}

export interface LoginHistoryPage {
  readonly entries: readonly LoginHistoryRow[];
  readonly nextPageToken: string;
}

const LIST_NAME = 'login-history';

/** A page of the account's attempts to sign in, newest first. @throws PAGE_TOKEN_INVALID */
export async function listOwnLoginHistory(
  deps: ListHistoryDeps,
  accountId: string,
  page: PageRequest & { readonly deviceId?: string | undefined },
): Promise<LoginHistoryPage> {
  const limit = pageLimit(page);
  const before = page.pageToken === '' ? undefined : rowBefore(page.pageToken);
  const { deviceId } = page;
  const rows = await listLoginHistory(deps.db, { accountId, deviceId, before, limit: limit + 1 });
  const { items, nextPageToken } = cutPage(rows, limit, (last) =>
    encodeCursor(LIST_NAME, [last.id]),
  );
  return { entries: items, nextPageToken };
}

function rowBefore(pageToken: string): string {
  const [id = ''] = decodeCursor(LIST_NAME, pageToken, 1) ?? [];
  if (!/^\d{1,18}$/.test(id)) throw pageTokenInvalid();
  return id;
}
