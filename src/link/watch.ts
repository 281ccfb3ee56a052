import { setTimeout as pause } from 'node:timers/promises';
import { rateLimited } from '../limits/limiter.ts';
import { linkNotFound, lookAt } from './record.ts';
import type { LinkState, RecordDeps, Sight } from './record.ts';
import { secondsLeft } from './start.ts';

type FeedDeps = RecordDeps & { readonly config: { readonly linkPollMs: number } };

/** What a look at a watched challenge gave. */
type Seen =
  | { readonly status: 'seen'; readonly sight: Sight }
  | { readonly status: 'gone' }
  | { readonly status: 'failed'; readonly error: unknown };

type Tell = (seen: Seen) => void;

const BATCH = 500;
/** A new device needs one; a page that was reloaded leaves a few behind until they are noticed. */
const MAX_WATCHERS = 16;

/** Looks at all challenges that somebody watches here, so that a watcher holds nothing of Redis. */
export class LinkFeed {
  readonly #deps: FeedDeps;
  readonly #watched = new Map<string, Set<Tell>>();
  #isLooking = false;

  constructor(deps: FeedDeps) {
    this.#deps = deps;
  }

  /** Tells of the challenge at every look; returns how to stop. @throws RATE_LIMITED */
  follow(id: string, tell: Tell): () => void {
    const followers = this.#watched.get(id) ?? new Set();
    if (followers.size >= MAX_WATCHERS) throw rateLimited('watchers_per_link', 1_000);
    this.#watched.set(id, followers.add(tell));
    void this.#lookOn();
    return () => {
      followers.delete(tell);
      if (followers.size === 0) this.#watched.delete(id);
    };
  }

  async #lookOn(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    while (this.#watched.size > 0) {
      await pause(this.#deps.config.linkPollMs, undefined, { ref: false });
      const ids = [...this.#watched.keys()];
      for (let from = 0; from < ids.length; from += BATCH) {
        await this.#look(ids.slice(from, from + BATCH));
      }
    }
    this.#isLooking = false;
  }

  async #look(ids: readonly string[]): Promise<void> {
    try {
      const sights = await lookAt(this.#deps, ids);
      for (const [index, id] of ids.entries()) {
        const sight = sights[index];
        this.#tell(id, sight ? { status: 'seen', sight } : { status: 'gone' });
      }
    } catch (error) {
      for (const id of ids) this.#tell(id, { status: 'failed', error });
    }
  }

  #tell(id: string, seen: Seen): void {
    for (const tell of this.#watched.get(id) ?? []) tell(seen);
  }
}

/** Where a challenge stands, for everybody who has its id. */
export interface LinkView {
  readonly state: LinkState;
  /** 0 when it is over. */
  readonly expiresInSeconds: number;
}

/** Where the challenge stands; states are told until its time is over. @throws LINK_NOT_FOUND */
export async function getLink(deps: RecordDeps, id: string): Promise<LinkView> {
  const sight = await requireSight(deps, id);
  return viewOf(deps, sight, sight.trail.at(-1));
}

export type WatchDeps = RecordDeps & {
  readonly linkFeed: LinkFeed;
  readonly config: { readonly watchHeartbeatMs: number };
};

/**
 * The present state, every later one even where two fall between looks, and the present one again
 * when there was nothing to say for a while. Ends with the challenge, or when `signal` aborts.
 * @throws LINK_NOT_FOUND, STORE_UNAVAILABLE
 */
export async function* watchLink(
  deps: WatchDeps,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<LinkView> {
  let sight = await requireSight(deps, id);
  let shown = sight.trail.length - 1;
  const news = new News();
  const stop = deps.linkFeed.follow(id, (seen) => {
    if (seen.status !== 'seen' || seen.sight.trail.length > shown) news.put(seen);
  });
  try {
    while (!signal.aborted) {
      // With nothing new this is the heartbeat.
      for (const state of sight.trail.slice(Math.min(shown, sight.trail.length - 1))) {
        yield viewOf(deps, sight, state);
        if (isOver(state)) return;
      }
      shown = sight.trail.length;
      const seen = await news.next(deps.config.watchHeartbeatMs, signal);
      if (seen?.status === 'failed') throw seen.error;
      if (seen?.status === 'gone') {
        yield viewOf(deps, sight, 'expired');
        return;
      }
      sight = seen?.sight ?? sight;
    }
  } finally {
    stop();
  }
}

async function requireSight(deps: RecordDeps, id: string): Promise<Sight> {
  const [sight] = await lookAt(deps, [id]);
  if (!sight) throw linkNotFound();
  return sight;
}

function viewOf(
  { clock }: RecordDeps,
  { endsAtMs }: Sight,
  state: LinkState = 'expired',
): LinkView {
  return { state, expiresInSeconds: isOver(state) ? 0 : secondsLeft(endsAtMs - clock.nowMs()) };
}

function isOver(state: LinkState): boolean {
  return !['waiting', 'scanned', 'approved'].includes(state);
}

/** Keeps the newest sight until it is asked for. */
class News {
  #latest: Seen | undefined;
  #wake: (() => void) | undefined;

  put(seen: Seen): void {
    this.#latest = seen;
    this.#wake?.();
  }

  /** Nothing after `timeoutMs`, or when `signal` aborts. */
  async next(timeoutMs: number, signal: AbortSignal): Promise<Seen | undefined> {
    if (!this.#latest && !signal.aborted) await this.#sleep(timeoutMs, signal);
    const latest = this.#latest;
    this.#latest = undefined;
    return latest;
  }

  async #sleep(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const end = () => resolve(undefined);
    const timer = setTimeout(end, timeoutMs);
    signal.addEventListener('abort', end, { once: true });
    this.#wake = end;
    await promise;
    this.#wake = undefined;
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}
