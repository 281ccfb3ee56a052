import { DomainError } from '../errors.ts';
import { nowSeconds } from '../platform/clock.ts';
import type { Clock } from '../platform/clock.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import type { Database } from '../platform/postgres.ts';
import type { RevocationFeed } from './revocation-feed.ts';
import type { RevocationRow } from './store-revocation.ts';
import { FEED_START, selectRevocations } from './store-revocation.ts';
import type { FeedPosition } from './store-revocation.ts';

export interface WatchDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly feed: RevocationFeed;
  readonly config: { readonly watchHeartbeatMs: number };
}

export interface RevocationPage {
  readonly revocations: readonly RevocationRow[];
  readonly nextCursor: string;
  readonly hasMore: boolean;
}

/** One message of a watch; without a revocation it is a heartbeat. */
export interface WatchItem {
  readonly revocation: RevocationRow | undefined;
  readonly cursor: string;
}

const LIST_NAME = 'revocations';
const BATCH = 500;
/** Rows are kept this long after their tokens ended; an older cursor may have missed some. */
const CURSOR_LIFE_SECONDS = 24 * 3600;

/** Revocations whose tokens may still live, in commit order. @throws CURSOR_INVALID, CURSOR_TOO_OLD */
export async function listRevocations(
  deps: WatchDeps,
  page: { cursor: string; pageSize: number },
): Promise<RevocationPage> {
  const limit = page.pageSize === 0 ? BATCH : page.pageSize;
  const from = positionOf(deps.clock, page.cursor);
  const options = { limit: limit + 1, onlyLiving: true };
  const rows = await selectRevocations(deps.db, from, options);
  const revocations = rows.slice(0, limit);
  const next = revocations.findLast((row) => row.isSettled) ?? from;
  return {
    revocations,
    nextCursor: cursorAt(deps.clock, next),
    hasMore: rows.length > limit && next !== from,
  };
}

/**
 * Every revocation from a cursor on, at least once, until `signal` aborts. A row is sent as soon as
 * it is visible; the cursor moves past it only when no earlier row can still be committed.
 * @throws CURSOR_INVALID, CURSOR_TOO_OLD
 */
export async function* watchRevocations(
  deps: WatchDeps,
  cursor: string,
  signal: AbortSignal,
): AsyncGenerator<WatchItem> {
  let position = positionOf(deps.clock, cursor);
  let sentUnsettled = new Set<string>();
  const wake = new Wake(deps.feed);
  try {
    while (!signal.aborted) {
      const unsettled = new Set<string>();
      for await (const row of visibleRows(deps.db, position)) {
        // Each batch has its own snapshot: behind an unsettled row, a settled one proves nothing.
        if (row.isSettled && unsettled.size === 0) position = row;
        else unsettled.add(row.id);
        if (sentUnsettled.has(row.id)) continue;
        yield { revocation: row, cursor: cursorAt(deps.clock, position) };
      }
      sentUnsettled = unsettled;
      const isWoken = await wake.wait(deps.config.watchHeartbeatMs, signal);
      if (!isWoken) yield { revocation: undefined, cursor: cursorAt(deps.clock, position) };
    }
  } finally {
    wake.close();
  }
}

async function* visibleRows(db: Database, after: FeedPosition): AsyncGenerator<RevocationRow> {
  let from = after;
  for (;;) {
    const rows = await selectRevocations(db, from, { limit: BATCH, onlyLiving: false });
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < BATCH) return;
    from = last;
  }
}

/** Remembers that the feed changed while nobody waited, so that no change falls between two reads. */
class Wake {
  readonly #stop: () => void;
  #isPending = false;
  #resolve: ((isWoken: boolean) => void) | undefined;

  constructor(feed: RevocationFeed) {
    this.#stop = feed.onChange(() => {
      this.#isPending = true;
      this.#resolve?.(true);
    });
  }

  /** True when the feed changed; false after `timeoutMs` or when `signal` aborts. */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#isPending && !signal.aborted) await this.#sleep(timeoutMs, signal);
    const isWoken = this.#isPending;
    this.#isPending = false;
    return isWoken;
  }

  close(): void {
    this.#stop();
  }

  async #sleep(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#resolve = resolve;
    const end = () => resolve(false);
    const timer = setTimeout(end, timeoutMs);
    signal.addEventListener('abort', end, { once: true });
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    this.#resolve = undefined;
  }
}

function cursorAt(clock: Clock, position: FeedPosition): string {
  return encodeCursor(LIST_NAME, [position.xid, position.id, String(nowSeconds(clock))]);
}

function positionOf(clock: Clock, cursor: string): FeedPosition {
  if (cursor === '') return FEED_START;
  const [xid = '', id = '', madeAt = ''] = decodeCursor(LIST_NAME, cursor, 3) ?? [];
  if (![xid, id, madeAt].every((part) => /^\d{1,18}$/.test(part))) {
    const violations = [{ field: 'cursor', description: 'was not made by this stream' }];
    const message = 'This cursor was not made by this stream.';
    throw new DomainError('CURSOR_INVALID', message, { violations });
  }
  if (Number(madeAt) < nowSeconds(clock) - CURSOR_LIFE_SECONDS) {
    throw new DomainError('CURSOR_TOO_OLD', 'This cursor is too old. Begin with ListRevocations.');
  }
  return { xid, id };
}
