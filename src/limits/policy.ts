/** What a limit does while Redis is away. */
export type WithoutRedis =
  /** The call is refused with UNAVAILABLE. */
  | 'closed'
  /** Each process counts for itself. */
  | 'local';

/** A sliding window: at most `limit` members in any `windowSeconds`, per key. */
export interface Policy {
  readonly name: string;
  readonly limit: number;
  readonly windowSeconds: number;
  readonly withoutRedis: WithoutRedis;
}

/** One use of a policy: `key` is who is limited, `member` what is counted (the same one, once). */
export interface Take {
  readonly policy: Policy;
  readonly key: string;
  readonly member: string;
}

interface LimitSettings {
  readonly sendsPerAddressHour: number;
  readonly numbersPerAddressHour: number;
  readonly checksPerAddressHour: number;
  readonly ceilingPerAddressHour: number;
}

const HOUR_SECONDS = 3600;

/** Every named limit of the service that Redis counts. Caps per number are PostgreSQL's. */
export function limitPolicies(config: LimitSettings) {
  return {
    sendsPerAddress: hourly('sends_per_address', config.sendsPerAddressHour),
    numbersPerAddress: hourly('numbers_per_address', config.numbersPerAddressHour),
    ceilingPerAddress: hourly('ceiling_per_address', config.ceilingPerAddressHour),
    checksPerAddress: hourly('checks_per_address', config.checksPerAddressHour),
    /** A number that is verified gives its sends back to the address once a day. */
    givenBackPerNumber: {
      name: 'given_back_per_number',
      limit: 1,
      windowSeconds: 24 * HOUR_SECONDS,
      withoutRedis: 'local',
    },
    /** 64 tabs at once are a person; what goes on after that is not. */
    predecessorsPerSession: {
      name: 'predecessors_per_session',
      limit: 200,
      windowSeconds: 30,
      withoutRedis: 'local',
    },
  } satisfies Readonly<Record<string, Policy>>;
}

export type LimitPolicies = Readonly<Record<keyof ReturnType<typeof limitPolicies>, Policy>>;

/** Sending and checking codes needs Redis anyway: without it they are refused. */
function hourly(name: string, limit: number): Policy {
  return { name, limit, windowSeconds: HOUR_SECONDS, withoutRedis: 'closed' };
}
