import type { Logger } from '../platform/logger.ts';

/** Asks one dependency whether it works; a rejection means it does not. */
export interface Probe {
  readonly name: string;
  /** Without it this replica should get no calls; without the others it is degraded. */
  readonly isRequired: boolean;
  readonly probe: () => void | Promise<void>;
}

export type StoreState = 'up' | 'down';

export interface Readiness {
  readonly status: 'ready' | 'degraded' | 'not_ready';
  readonly stores: Readonly<Record<string, StoreState>>;
}

export interface HealthOptions {
  readonly probes: readonly Probe[];
  readonly logger: Logger;
  /** Called with the first state and with every change. */
  onChange(readiness: Readiness): void;
}

/** Readiness is answered within 1 s even when a store hangs. */
const PROBE_TIMEOUT_MS = 700;
/** Anybody may ask for readiness; the stores are asked at most this often. */
const FRESH_MS = 250;
const INTERVAL_MS = 1_000;

/** Watches the dependencies, every second and whenever somebody asks. */
export class HealthMonitor {
  readonly #options: HealthOptions;
  readonly #pending = new Map<string, Promise<void>>();
  #checking: Promise<Readiness> | undefined;
  #checkedAt = -Infinity;
  #last: Readiness | undefined;
  #isRetired = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** Checks once, then every second until `stop`. */
  async start(): Promise<Readiness> {
    const first = await this.check();
    this.#timer = setInterval(() => void this.check(), INTERVAL_MS).unref();
    return first;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** From now on this replica is not ready: it is about to stop. */
  retire(): void {
    this.#isRetired = true;
    this.#announce({ status: 'not_ready', stores: this.#last?.stores ?? {} });
  }

  /** The present state, at most 250 ms old. Callers at the same time share one check. */
  check(): Promise<Readiness> {
    if (this.#checking !== undefined) return this.#checking;
    if (this.#last !== undefined && performance.now() - this.#checkedAt < FRESH_MS) {
      return Promise.resolve(this.#last);
    }
    this.#checking = this.#ask().finally(() => {
      this.#checking = undefined;
      this.#checkedAt = performance.now();
    });
    return this.#checking;
  }

  async #ask(): Promise<Readiness> {
    const { probes } = this.#options;
    const states = await Promise.all(probes.map((probe) => this.#stateOf(probe)));
    const stores: Record<string, StoreState> = {};
    let status: Readiness['status'] = 'ready';
    for (const [index, probe] of probes.entries()) {
      const state = states[index] ?? 'down';
      stores[probe.name] = state;
      if (state === 'up' || status === 'not_ready') continue;
      status = probe.isRequired ? 'not_ready' : 'degraded';
    }
    return this.#announce({ status: this.#isRetired ? 'not_ready' : status, stores });
  }

  /** A probe that hangs is not asked again until it answers: no pile of waiting connections. */
  async #stateOf({ name, probe }: Probe): Promise<StoreState> {
    let asked = this.#pending.get(name);
    if (asked === undefined) {
      asked = Promise.try(probe).finally(() => this.#pending.delete(name));
      asked.catch(() => undefined);
      this.#pending.set(name, asked);
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<StoreState>((resolve) => {
      timer = setTimeout(resolve, PROBE_TIMEOUT_MS, 'down');
    });
    const answer = asked.then(
      (): StoreState => 'up',
      (): StoreState => 'down',
    );
    const state = await Promise.race([answer, late]);
    clearTimeout(timer);
    return state;
  }

  #announce(readiness: Readiness): Readiness {
    const before = this.#last;
    this.#last = readiness;
    if (before !== undefined && isSame(before, readiness)) return readiness;
    const down = Object.keys(readiness.stores).filter((name) => readiness.stores[name] === 'down');
    const line = { event: 'health.changed', state: readiness.status, problems: down };
    this.#options.logger[down.length > 0 ? 'warn' : 'info'](line, `health is ${readiness.status}`);
    this.#options.onChange(readiness);
    return readiness;
  }
}

function isSame(left: Readiness, right: Readiness): boolean {
  return (
    left.status === right.status &&
    Object.entries(left.stores).every(([name, state]) => right.stores[name] === state)
  );
}
