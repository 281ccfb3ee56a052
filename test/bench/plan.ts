import { parseArgs } from 'node:util';

/** What is measured, in the order of a round. */
export const SCENARIOS = {
  'http2-echo': { server: 'http2Echo', about: 'bare node:http2 echo: the limit' },
  'http2-trailers': { server: 'http2Echo', about: 'the same, with gRPC’s trailers' },
  'grpc-echo': { server: 'grpcEcho', about: 'plain grpc-js and protobuf-es' },
  empty: { server: 'service', about: 'OpsService/GetLiveness, every interceptor on' },
  'validate-hot': { server: 'service', about: 'ValidateToken, one token' },
  'validate-many': { server: 'service', about: 'ValidateToken, 1,000 tokens seen before' },
  'validate-new': { server: 'service', about: 'ValidateToken, never a token seen before' },
  refresh: { server: 'service', about: 'RefreshTokens, 2,000 sessions, each in its own chain' },
  'validate-calm': { server: 'service', about: 'validate-many from 8 lanes' },
  'validate-flood': { server: 'service', about: 'the same beside a flood of backup codes' },
  'list-devices': { server: 'service', about: 'ListDevices, one device' },
  'sign-in': { server: 'service', about: 'a call = OTP request + confirm + Login' },
  'sign-in-2fa': { server: 'service', about: 'a call = the same + VerifyTwoFactor' },
} as const;

export type ScenarioName = keyof typeof SCENARIOS;

export interface Plan {
  readonly scenarios: readonly ScenarioName[];
  readonly rounds: number;
  /** Once per scenario, before the first round. */
  readonly firstWarmUpMs: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Starts of the service that are timed. */
  readonly starts: number;
  readonly idleMs: number;
  readonly isProfiled: boolean;
  /** Options of Node for the service, to try them out. */
  readonly nodeOptions: readonly string[];
}

/** Many short rounds: a disturbance then spoils a few of them, and medians forget it. */
const FULL = {
  rounds: 9,
  firstWarmUpMs: 2_500,
  warmUpMs: 200,
  measureMs: 1_000,
  starts: 3,
  idleMs: 3_000,
};
const QUICK = {
  rounds: 5,
  firstWarmUpMs: 600,
  warmUpMs: 50,
  measureMs: 250,
  starts: 1,
  idleMs: 500,
};

/** A call of it takes so long that a short round would hold few. */
const SLOW: readonly ScenarioName[] = ['sign-in', 'sign-in-2fa'];
const SLOW_FACTOR = 3;

/** Every ratio of a run is to its own echo, whatever else was asked for. */
const LIMITS: readonly ScenarioName[] = ['http2-echo', 'grpc-echo'];

export const USAGE = `Usage: just bench [--quick] [--profile] [--node=OPTION]… [SCENARIO…]
  SCENARIO   the beginning of a name: ${scenarioNames().join(', ')}
  --quick    under 40 s instead of under 5 min; coarse
  --profile  a CPU profile of the service too; best with one scenario
  --node     an option of Node for the service, such as --node=--max-semi-space-size=32`;

/** @throws with the usage when a word is neither an option nor the beginning of a scenario's name. */
export function planFrom(words: readonly string[]): Plan {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: {
      quick: { type: 'boolean' },
      profile: { type: 'boolean' },
      node: { type: 'string', multiple: true, default: [] },
    },
    allowPositionals: true,
  });
  const asked = positionals.flatMap(scenariosNamed);
  const isProfiled = values.profile === true;
  const limits = isProfiled ? [] : LIMITS;
  const scenarios = scenarioNames().filter(
    (name) => asked.length === 0 || asked.includes(name) || limits.includes(name),
  );
  return {
    ...(values.quick === true ? QUICK : FULL),
    scenarios,
    isProfiled,
    nodeOptions: values.node,
  };
}

/** How long one round of a scenario is measured. */
export function measuredMs(plan: Plan, scenario: ScenarioName): number {
  return SLOW.includes(scenario) ? SLOW_FACTOR * plan.measureMs : plan.measureMs;
}

/** The scenarios of a round, each time with another first one: none always follows the same. */
export function turnOf({ scenarios }: Plan, round: number): readonly ScenarioName[] {
  const first = round % scenarios.length;
  return [...scenarios.slice(first), ...scenarios.slice(0, first)];
}

function scenariosNamed(word: string): ScenarioName[] {
  const found = scenarioNames().filter((name) => name.startsWith(word));
  if (found.length === 0) throw new Error(`There is no scenario ${word}.\n${USAGE}`);
  return found;
}

function scenarioNames(): ScenarioName[] {
  return Object.keys(SCENARIOS).filter(isScenarioName);
}

function isScenarioName(text: string): text is ScenarioName {
  return text in SCENARIOS;
}
