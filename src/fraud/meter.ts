import { Counter } from 'prom-client';
import type { Registry } from '../platform/metrics.ts';

/** How a send was decided, for the metric. */
export interface Decided {
  /** `flagged`: refused if the guard were not only recording. */
  readonly decision: 'sent' | 'flagged' | 'refused';
  readonly reason: string;
  readonly country: string;
}

export interface FraudMeter {
  decided(decided: Decided): void;
}

/** Counts decisions. Refusals name their country; what was sent does not, to keep the series few. */
export function createFraudMeter(registry: Registry): FraudMeter {
  const counter = new Counter({
    name: 'auth_fraud_decisions_total',
    help: 'Sends by what the toll-fraud guard decided, and why.',
    labelNames: ['decision', 'reason', 'country'],
    registers: [registry],
  });
  return {
    decided: ({ decision, reason, country }) => {
      counter.inc({ decision, reason, country: decision === 'sent' ? '' : country });
    },
  };
}
