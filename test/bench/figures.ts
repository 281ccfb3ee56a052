import type { Measurement } from './load/messages.ts';
import type { ScenarioName } from './plan.ts';

/** What a run found out. */
export interface Findings {
  readonly command: string;
  readonly rounds: ReadonlyMap<ScenarioName, readonly Measurement[]>;
  /** Starts of the service on running, migrated stores. */
  readonly readyMs: readonly number[];
  readonly idleMegabytes: number | undefined;
  readonly afterMegabytes: number | undefined;
}

/** Medians over the rounds. CPU is in milliseconds per 1,000 calls. */
export interface Row {
  readonly scenario: ScenarioName;
  readonly callsPerSecond: number;
  readonly slowest: number;
  readonly fastest: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly serverCpu: number;
  readonly postgresCpu: number;
  readonly generatorCpu: number;
  /** Cores that were busy with something else. */
  readonly otherCores: number;
  /** Its rate as a part of the bare echo's, within each round. */
  readonly ofEcho: number;
  /** Its server's CPU per call as a multiple of plain grpc-js's, within each round. */
  readonly ofGrpcCpu: number;
  readonly failed: number;
}

export interface Report {
  readonly command: string;
  readonly machine: string;
  readonly at: string;
  readonly rows: readonly Row[];
  readonly readyMs: number;
  readonly idleMegabytes: number;
  readonly afterMegabytes: number;
  readonly verdicts: readonly Verdict[];
}

/** Whether a figure is what the service promises. */
export interface Verdict {
  readonly target: string;
  readonly found: string;
  readonly isMet: boolean;
}
