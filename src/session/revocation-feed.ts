import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { Database } from '../platform/postgres.ts';
import type { RevocationRow } from './store-revocation.ts';
import { FEED_START, selectRevocations } from './store-revocation.ts';
import type { FeedPosition } from './store-revocation.ts';

interface FeedDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: { readonly revocationPollMs: number };
}

/** A feed that was not read for longer than this is not believed. */
const MAX_AGE_MS = 1_000;
const BATCH = 1_000;

/**
 * Every revocation that still matters, in memory. All rows that are visible are applied at once (the
 * set is idempotent); only the position waits until no earlier row can still be committed.
 */
export class RevocationFeed {
  readonly #deps: FeedDeps;
  readonly #endsAtMs = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #position: FeedPosition = FEED_START;
  #unsettled = new Set<string>();
  #polledAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(deps: FeedDeps) {
    this.#deps = deps;
  }

  /** Reads once, then keeps polling until stopped; a poll that fails only makes the feed stale. */
  async start(): Promise<void> {
    await this.#pollQuietly();
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  isFresh(): boolean {
    return this.#deps.clock.nowMs() - this.#polledAtMs <= MAX_AGE_MS;
  }

  /** Milliseconds since the last successful poll. */
  ageMs(): number {
    return this.#deps.clock.nowMs() - this.#polledAtMs;
  }

  isRevoked(sessionId: string): boolean {
    return this.#endsAtMs.has(sessionId);
  }

  /** What this process revoked itself is known here at once, after its transaction committed. */
  apply(sessionId: string, tokenSeconds: number): void {
    this.#endsAtMs.set(sessionId, this.#deps.clock.nowMs() + tokenSeconds * 1000);
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` whenever a revocation arrived or became settled; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `ended` once the session is revoked, at once if it is; returns how to stop that. */
  whenRevoked(sessionId: string, ended: () => void): () => void {
    const look = () => {
      if (this.isRevoked(sessionId)) ended();
    };
    const stop = this.onChange(look);
    look();
    return stop;
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      void this.#pollQuietly().then(() => this.#schedule());
    }, this.#deps.config.revocationPollMs);
    this.#timer.unref();
  }

  async #pollQuietly(): Promise<void> {
    const wasFresh = this.isFresh();
    const startedAtMs = this.#deps.clock.nowMs();
    try {
      await this.#poll();
      this.#polledAtMs = startedAtMs;
    } catch (error) {
      if (wasFresh)
        this.#deps.logger.warn({ err: error, component: 'revocation-feed' }, 'poll failed');
    }
  }

  async #poll(): Promise<void> {
    let from = this.#position;
    let isChanged = false;
    const unsettled = new Set<string>();
    for (;;) {
      const rows = await selectRevocations(this.#deps.db, from, { limit: BATCH, onlyLiving: true });
      for (const row of rows) isChanged = this.#applyRow(row, unsettled) || isChanged;
      const last = rows.at(-1);
      if (!last) break;
      from = { xid: last.xid, id: last.id };
      if (rows.length < BATCH) break;
    }
    this.#unsettled = unsettled;
    this.#forgetEnded();
    if (isChanged) for (const listener of this.#listeners) listener();
  }

  #applyRow(row: RevocationRow, unsettled: Set<string>): boolean {
    this.#endsAtMs.set(row.sessionId, row.expiresAt.getTime());
    if (row.isSettled && unsettled.size === 0) {
      this.#position = { xid: row.xid, id: row.id };
      return true;
    }
    unsettled.add(row.id);
    return !this.#unsettled.has(row.id);
  }

  #forgetEnded(): void {
    const now = this.#deps.clock.nowMs();
    for (const [sessionId, endsAtMs] of this.#endsAtMs) {
      if (endsAtMs < now) this.#endsAtMs.delete(sessionId);
    }
  }
}
