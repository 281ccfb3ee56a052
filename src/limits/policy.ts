import type { Quota } from '../platform/quota.ts';

/** What a limit does while Redis is away. */
export type WithoutRedis =
  /** The call is refused with UNAVAILABLE. */
  | 'closed'
  /** Each process counts for itself. */
  | 'local'
  /** Redis is not asked: PostgreSQL counts, and its absence is UNAVAILABLE. */
  | 'postgres';

/** One limit of the service, as it is enforced and as docs/limits.md shows it. */
export interface Limit extends Quota {
  /** What one use is, in the plural. */
  readonly counts: string;
  /** Whose uses are added up. */
  readonly per: string;
  readonly withoutRedis: WithoutRedis;
  /** The property of the configuration that holds `limit`; none = it is fixed. */
  readonly setting?: string;
}

/** A limit that Redis counts in a sliding window: at most `limit` members, per key. */
export interface Policy extends Limit {
  readonly windowSeconds: number;
  readonly withoutRedis: 'closed' | 'local';
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
  readonly linkStartsPerAddressMinute: number;
  readonly linkScansPerAccountHour: number;
  readonly backupSetsPerAccountHour: number;
}

type Row = Omit<Policy, 'limit'> & { readonly setting: keyof LimitSettings };

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3600;
const ADDRESS = 'address (IPv6: /64)';

/** Sending and checking codes needs Redis anyway: without it they are refused. */
const HOURLY = { per: ADDRESS, windowSeconds: HOUR_SECONDS, withoutRedis: 'closed' } as const;

const CEILING: Row = {
  ...HOURLY,
  name: 'ceiling_per_address',
  counts: 'requested codes',
  setting: 'ceilingPerAddressHour',
};

const SENDS: Row = {
  ...HOURLY,
  name: 'sends_per_address',
  counts: 'requested codes that were not entered',
  setting: 'sendsPerAddressHour',
};

const NUMBERS: Row = {
  ...HOURLY,
  name: 'numbers_per_address',
  counts: 'different numbers, none of them proven',
  setting: 'numbersPerAddressHour',
};

const CHECKS: Row = {
  ...HOURLY,
  name: 'checks_per_address',
  counts: 'wrong codes',
  setting: 'checksPerAddressHour',
};

/** A number that is verified gives its sends back to the address once a day. */
const GIVEN_BACK: Policy = {
  name: 'given_back_per_number',
  counts: 'times that a proven number gives an address its share back',
  per: 'address and number',
  limit: 1,
  windowSeconds: 24 * HOUR_SECONDS,
  withoutRedis: 'local',
};

/** 64 tabs at once are a person; what goes on after that is not. */
const PREDECESSORS: Policy = {
  name: 'predecessors_per_session',
  counts: 'uses of a refresh token that has a successor',
  per: 'session',
  limit: 200,
  windowSeconds: 30,
  withoutRedis: 'local',
};

/** A challenge lives in Redis, so there is none to start or to scan without it. */
const LINK_STARTS: Row = {
  name: 'link_starts_per_address',
  counts: 'started QR logins',
  per: ADDRESS,
  windowSeconds: MINUTE_SECONDS,
  withoutRedis: 'closed',
  setting: 'linkStartsPerAddressMinute',
};

const LINK_SCANS: Row = {
  name: 'link_scans_per_account',
  counts: 'scanned QR logins',
  per: 'account',
  windowSeconds: HOUR_SECONDS,
  withoutRedis: 'closed',
  setting: 'linkScansPerAccountHour',
};

/** A set costs ten bcrypts and tells every device: turning the factor on and off must not be free. */
const BACKUP_SETS: Row = {
  name: 'backup_sets_per_account',
  counts: 'new sets of backup codes',
  per: 'account',
  windowSeconds: HOUR_SECONDS,
  withoutRedis: 'local',
  setting: 'backupSetsPerAccountHour',
};

/** Every named limit of the service that Redis counts. Caps per number are PostgreSQL's. */
export function limitPolicies(config: LimitSettings) {
  const of = (row: Row): Policy => ({ ...row, limit: config[row.setting] });
  return {
    ceilingPerAddress: of(CEILING),
    sendsPerAddress: of(SENDS),
    numbersPerAddress: of(NUMBERS),
    checksPerAddress: of(CHECKS),
    givenBackPerNumber: GIVEN_BACK,
    predecessorsPerSession: PREDECESSORS,
    linkStartsPerAddress: of(LINK_STARTS),
    linkScansPerAccount: of(LINK_SCANS),
    backupSetsPerAccount: of(BACKUP_SETS),
  } satisfies Readonly<Record<string, Policy>>;
}

export type LimitPolicies = Readonly<Record<keyof ReturnType<typeof limitPolicies>, Policy>>;
