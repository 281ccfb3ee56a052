import type { Measurement, Usage } from './messages.ts';

/** A closed loop: each lane has one thing in flight, and begins the next when it is done. */
export interface Scenario {
  readonly lanes: number;
  readonly begin: (lane: number, done: Done) => void;
}

export type Done = (isGood: boolean) => void;

export interface Period {
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly usage: () => Usage;
}

/** What a lane that does not end is given up after. */
const DRAIN_MS = 10_000;

/** Runs the lanes through the warm-up and the measured time, and returns when all are done. */
export async function measure(scenario: Scenario, period: Period): Promise<Measurement> {
  const lanes = new Lanes(scenario);
  lanes.begin();
  await pause(period.warmUpMs);
  const before = period.usage();
  const startedAt = performance.now();
  lanes.record();
  await pause(period.measureMs);
  const { latenciesMs, failed } = lanes.end();
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = difference(period.usage(), before);
  await Promise.race([lanes.drained, expired()]);
  const sorted = Float64Array.from(latenciesMs).sort();
  return {
    calls: sorted.length,
    failed,
    seconds,
    p50Ms: sorted[Math.floor(sorted.length * 0.5)] ?? 0,
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    cpu,
  };
}

class Lanes {
  readonly drained: Promise<void>;
  readonly #scenario: Scenario;
  readonly #allDone: () => void;
  #latenciesMs: number[] = [];
  #failed = 0;
  #isEnding = false;
  #open: number;

  constructor(scenario: Scenario) {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.drained = promise;
    this.#allDone = () => {
      resolve(undefined);
    };
    this.#scenario = scenario;
    this.#open = scenario.lanes;
  }

  begin(): void {
    for (let lane = 0; lane < this.#scenario.lanes; lane += 1) this.#next(lane);
  }

  /** Forgets the latencies so far. Failures stay: a warm-up that fails is no warm-up. */
  record(): void {
    this.#latenciesMs = [];
  }

  end(): { latenciesMs: readonly number[]; failed: number } {
    const result = { latenciesMs: this.#latenciesMs, failed: this.#failed };
    this.#isEnding = true;
    this.#latenciesMs = [];
    return result;
  }

  #next(lane: number): void {
    if (this.#isEnding) {
      this.#open -= 1;
      if (this.#open === 0) this.#allDone();
      return;
    }
    const startedAt = performance.now();
    this.#scenario.begin(lane, (isGood) => {
      if (isGood) this.#latenciesMs.push(performance.now() - startedAt);
      else this.#failed += 1;
      this.#next(lane);
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function expired(): Promise<never> {
  return new Promise((_resolve, reject) => {
    const message = `A call did not end within ${DRAIN_MS} ms`;
    setTimeout(() => reject(new Error(message)), DRAIN_MS).unref();
  });
}

function difference(after: Usage, before: Usage): Usage {
  return {
    server: minus(after.server, before.server),
    postgres: minus(after.postgres, before.postgres),
    generator: after.generator - before.generator,
    machine: minus(after.machine, before.machine),
  };
}

function minus(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before;
}
