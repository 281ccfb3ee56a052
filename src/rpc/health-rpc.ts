import type { ServiceImpl } from '@connectrpc/connect';
import type { OpsService } from '../../gen/whispr/ops/v1/ops_service_pb.ts';
import { DomainError } from '../errors.ts';
import type { HealthMonitor } from './health.ts';

export type HealthSlice = Pick<ServiceImpl<typeof OpsService>, 'getReadiness' | 'getLiveness'>;

/** Health for load balancers that speak REST only. */
export function createHealthSlice(deps: { readonly health: HealthMonitor }): HealthSlice {
  return {
    getReadiness: async () => {
      const { status, stores } = await deps.health.check();
      if (status !== 'not_ready') return { status, stores };
      const message = 'This replica is not ready.';
      throw new DomainError('NOT_READY', message, { retryDelayMs: 1_000, metadata: { ...stores } });
    },

    /** That the event loop turns is all that liveness means. */
    getLiveness: () => ({ status: 'live' }),
  };
}
