import { Counter, Gauge, Histogram } from 'prom-client';
import type { Logger } from '../platform/logger.ts';
import type { Registry } from '../platform/metrics.ts';
import type { Database } from '../platform/postgres.ts';
import type { ProviderName, SendOutcome } from './provider.ts';
import { insertAttempt, settleAttempt } from './store.ts';

interface AttemptLogDeps {
  readonly db: Database;
  readonly logger: Logger;
  readonly metrics: Registry;
}

interface Started {
  readonly id: string;
  readonly sendId: string;
  readonly provider: ProviderName;
  /** Whether a receipt will ask for a row. */
  readonly isKept: boolean;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

/** In seconds: what a provider takes, and the time-out (2 s at most). */
const BUCKETS = [0.05, 0.1, 0.2, 0.4, 0.7, 1, 1.5, 2];

/**
 * What is known of attempts afterwards: rows, metrics and log lines. Rows are written beside the send;
 * one that cannot be written costs a receipt, never a message.
 */
export class AttemptLog {
  readonly #deps: AttemptLogDeps;
  readonly #attempts: Counter<'provider' | 'outcome'>;
  readonly #seconds: Histogram<'provider'>;
  readonly #open: Gauge<'provider'>;
  readonly #unrecorded: Counter;
  readonly #writing = new Set<Promise<void>>();

  constructor(deps: AttemptLogDeps) {
    const registers = [deps.metrics];
    this.#deps = deps;
    this.#attempts = new Counter({
      name: 'auth_sms_attempts_total',
      help: 'Attempts to send, by provider and what became of them.',
      labelNames: ['provider', 'outcome'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'auth_sms_attempt_seconds',
      help: 'Time until a provider answered, or did not.',
      labelNames: ['provider'],
      buckets: BUCKETS,
      registers,
    });
    this.#open = new Gauge({
      name: 'auth_sms_breaker_open',
      help: 'Whether a provider is left alone (1), also while one attempt probes it.',
      labelNames: ['provider'],
      registers,
    });
    this.#unrecorded = new Counter({
      name: 'auth_sms_unrecorded_total',
      help: 'Attempts whose row could not be written.',
      registers,
    });
  }

  /** Returns what to call with the outcome. */
  start(attempt: Started): (outcome: SendOutcome) => void {
    const startedMs = performance.now();
    const inserted = attempt.isKept ? insertAttempt(this.#deps.db, attempt) : undefined;
    // Its failure is counted with the outcome; until then it must not count as unhandled.
    inserted?.catch(() => undefined);
    return (outcome) => {
      this.#tell(attempt, outcome, performance.now() - startedMs);
      if (inserted !== undefined) this.#write(inserted.then(() => this.#settle(attempt, outcome)));
    };
  }

  breaker(provider: ProviderName, state: BreakerState): void {
    this.#open.set({ provider }, state === 'closed' ? 0 : 1);
    this.#deps.logger.warn({ event: 'sms.breaker', provider, state }, 'a provider’s breaker moved');
  }

  /** Waits for rows that are still being written. */
  async close(): Promise<void> {
    await Promise.all(this.#writing);
  }

  #tell({ provider }: Started, outcome: SendOutcome, durationMs: number): void {
    this.#attempts.inc({ provider, outcome: outcome.status });
    this.#seconds.observe({ provider }, durationMs / 1000);
    if (outcome.status === 'accepted') return;
    const { status: state, code } = outcome;
    const line = {
      event: 'sms.attempt',
      provider,
      state,
      code,
      durationMs: Math.round(durationMs),
    };
    this.#deps.logger.warn(line, 'a provider did not take a message');
  }

  async #settle({ id }: Started, outcome: SendOutcome): Promise<void> {
    const { status } = outcome;
    await settleAttempt(this.#deps.db, {
      id,
      status: status === 'accepted' || status === 'unknown' ? status : 'failed',
      messageId: status === 'accepted' ? outcome.messageId : null,
      code: status === 'accepted' ? null : outcome.code,
    });
  }

  #write(work: Promise<void>): void {
    const writing = work
      .catch(() => this.#unrecorded.inc())
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }
}
