import type { Server, ServerWritableStream } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { toConnectError } from './error-map.ts';
import { toStatus } from './grpc-metadata.ts';
import type { Readiness } from './health.ts';
import { shuttingDown } from './stream-life.ts';

/** grpc.health.v1 on the main port, outside the interceptors: it needs no token and is not logged. */
export class GrpcHealth {
  readonly #implementation: HealthImplementation;
  readonly #services: readonly string[];
  readonly #watches = new Set<ServerWritableStream<unknown, unknown>>();

  /** '' is the whole server. Everything is NOT_SERVING until `show` or `set`. */
  constructor(services: readonly string[], dependencies: readonly string[]) {
    this.#services = ['', ...services];
    const names = [...this.#services, ...dependencies.map(dependencyName)];
    const initial = names.map((name) => [name, 'NOT_SERVING'] as const);
    this.#implementation = new HealthImplementation(Object.fromEntries(initial));
  }

  register(server: Server): void {
    this.#implementation.addToServer({
      addService: (definition, handlers) => {
        const watch: unknown = handlers['watch'];
        if (typeof watch !== 'function') throw new Error('grpc-health-check has no watch');
        server.addService(definition, {
          ...handlers,
          watch: (call: ServerWritableStream<unknown, unknown>) => {
            this.#watches.add(call);
            call.on('cancelled', () => this.#watches.delete(call));
            Reflect.apply(watch, undefined, [call]);
          },
        });
      },
    });
  }

  /** Services as the replica's readiness says; each store under a name of its own. */
  show({ status, stores }: Readiness): void {
    for (const service of this.#services) this.set(service, status !== 'not_ready');
    for (const [name, state] of Object.entries(stores)) {
      this.set(dependencyName(name), state === 'up');
    }
  }

  set(name: string, isServing: boolean): void {
    this.#implementation.setStatus(name, isServing ? 'SERVING' : 'NOT_SERVING');
  }

  /** A watch has no end of its own, and one that stays open keeps `tryShutdown` waiting. */
  endWatches(): void {
    const status = toStatus(toConnectError(shuttingDown()));
    for (const watch of this.#watches) watch.emit('error', status);
  }
}

/** `redis` → `whispr.dependency.redis`: a degraded replica still serves, and this says what is missing. */
function dependencyName(store: string): string {
  return `whispr.dependency.${store}`;
}
