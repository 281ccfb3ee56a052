import { Registry, collectDefaultMetrics } from 'prom-client';

export type { Registry };

/** One registry for the process; features register their own metrics on it. */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
