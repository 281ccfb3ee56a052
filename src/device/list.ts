import { cutPage, pageLimit, positionAfter } from '../paging.ts';
import type { PageRequest } from '../paging.ts';
import { encodeCursor } from '../platform/cursor.ts';
import type { Database, Queryable } from '../platform/postgres.ts';
import { listDevices } from './store.ts';
import type { DeviceRow } from './store.ts';

export interface ListDeps {
  readonly db: Database;
  readonly config: { readonly deviceCap: number; readonly deviceReplaceableSeconds: number };
}

export interface DeviceListPage {
  readonly devices: readonly DeviceRow[];
  readonly nextPageToken: string;
}

const LIST_NAME = 'devices';

/** A page of the account's devices with a living session, last used first. @throws PAGE_TOKEN_INVALID */
export async function listOwnDevices(
  deps: ListDeps,
  accountId: string,
  page: PageRequest,
): Promise<DeviceListPage> {
  const limit = pageLimit(page);
  const after = positionAfter(LIST_NAME, page.pageToken);
  const replaceableSeconds = deps.config.deviceReplaceableSeconds;
  const rows = await listDevices(deps.db, {
    accountId,
    after,
    limit: limit + 1,
    replaceableSeconds,
  });
  const { items, nextPageToken } = cutPage(rows, limit, (last) =>
    encodeCursor(LIST_NAME, [last.position, last.id]),
  );
  return { devices: items, nextPageToken };
}

/** All of them: the cap bounds their number. */
export async function listEveryDevice(
  deps: Omit<ListDeps, 'db'>,
  db: Queryable,
  accountId: string,
): Promise<DeviceRow[]> {
  const { deviceCap, deviceReplaceableSeconds } = deps.config;
  return listDevices(db, {
    accountId,
    after: undefined,
    limit: deviceCap * 2,
    replaceableSeconds: deviceReplaceableSeconds,
  });
}
