import type { ScenarioName } from '../plan.ts';

/** Accounts and tokens that the load uses up or walks through. */
export interface Seeds {
  /** Refresh tokens, each of a session of its own. */
  readonly refreshTokens: readonly string[];
  /** Access tokens that the service can remember all at once. */
  readonly knownTokens: readonly string[];
  /** More access tokens than the service remembers: in turn, each one is new to it. */
  readonly newTokens: readonly string[];
  /** Accounts that sign in again, each from an address of its own. */
  readonly people: readonly Person[];
  /** Accounts with a second factor, likewise. */
  readonly guarded: readonly GuardedPerson[];
  /** More of them, whose misses lock them. */
  readonly flooded: readonly GuardedPerson[];
}

export interface GuardedPerson extends Person {
  /** Of the authenticator app, base32. */
  readonly secret: string;
  readonly accessToken: string;
}

export interface Person {
  readonly phone: string;
  readonly deviceId: string;
  readonly address: string;
}

/** A server under load. */
export interface Target {
  readonly port: number;
  readonly pid: number;
}

export interface Targets {
  readonly http2Echo: Target;
  readonly grpcEcho: Target;
  readonly service: Target;
  readonly postgresPid: number;
  readonly serviceTestToken: string;
}

/** From the bench to the load generator. */
export type Order =
  | { readonly kind: 'prepare'; readonly targets: Targets; readonly seeds: Seeds }
  | {
      readonly kind: 'run';
      readonly scenario: ScenarioName;
      readonly warmUpMs: number;
      readonly measureMs: number;
    };

/** From the load generator to the bench. */
export type Reply =
  | { readonly kind: 'listening'; readonly inboxPort: number }
  | { readonly kind: 'prepared' }
  | { readonly kind: 'measured'; readonly measurement: Measurement }
  | { readonly kind: 'failed'; readonly message: string };

/** One round of one scenario. CPU is seconds during the round; undefined where it cannot be read. */
export interface Measurement {
  readonly calls: number;
  readonly failed: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpu: Usage;
}

export interface Usage {
  readonly server: number | undefined;
  readonly postgres: number | undefined;
  readonly generator: number;
  readonly machine: number | undefined;
}

/** Both ends are of one build: the kind says the rest. */
export function isOrder(value: unknown): value is Order {
  return hasKind(value, ['prepare', 'run']);
}

export function isReply(value: unknown): value is Reply {
  return hasKind(value, ['listening', 'prepared', 'measured', 'failed']);
}

function hasKind(value: unknown, kinds: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  return kinds.some((kind) => kind === value.kind);
}
