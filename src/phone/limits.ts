import type { DomainError } from '../errors.ts';
import { rateLimited } from '../limits/limiter.ts';
import type { Limit } from '../limits/policy.ts';
import type { Digest } from '../platform/digest.ts';
import type { E164 } from './number.ts';
import type { AttemptKey, PhoneLimits } from './store.ts';

export interface PhoneLimitSettings {
  readonly sendsPerNumberHour: number;
  readonly sendsPerNumberDay: number;
  readonly sendsPerNumberHardDay: number;
  readonly verifiedSendsPerDay: number;
  readonly sendsPerNumberAddressHour: number;
  readonly sendsPerNumberAddressDay: number;
  readonly reserveSendsPerDay: number;
  readonly cooldownSeconds: readonly number[];
  readonly refusingFailures: number;
  readonly checksPerNumberDay: number;
  readonly checksPerNumberAddressDay: number;
  readonly reserveChecksPerDay: number;
  readonly waitFromFailures: number;
  readonly codeTtlSeconds: number;
}

type CountSetting = Exclude<keyof PhoneLimitSettings, 'cooldownSeconds' | 'codeTtlSeconds'>;

/** A cap that PostgreSQL counts, once for the SQL functions, the answers and docs/limits.md. */
interface Cap extends Omit<Limit, 'limit' | 'withoutRedis'> {
  readonly setting: CountSetting;
  /** What the SQL functions call it. */
  readonly sql: string;
  /** The refusal of theirs that it is behind, if it refuses anything by itself. */
  readonly refusal?: string;
}

const HOUR = 3_600;
const DAY = 86_400;
const NUMBER = 'number';
const SHARE = 'number and address';
const SENDS = 'codes sent, other than the verified ones that are excused';
const CHECKS = 'failed checks';
const ROW = 'failed checks since the last right one';

const CAPS: readonly Cap[] = [
  {
    name: 'phone_number',
    refusal: 'number',
    counts: SENDS,
    per: NUMBER,
    windowSeconds: HOUR,
    sql: 'numberHour',
    setting: 'sendsPerNumberHour',
  },
  {
    name: 'phone_number',
    refusal: 'number',
    counts: SENDS,
    per: NUMBER,
    windowSeconds: DAY,
    sql: 'numberDay',
    setting: 'sendsPerNumberDay',
  },
  {
    name: 'phone_number_hard_day',
    refusal: 'number_hard_day',
    counts: 'unverified codes sent, reserves included',
    per: NUMBER,
    windowSeconds: DAY,
    sql: 'hardDay',
    setting: 'sendsPerNumberHardDay',
  },
  {
    name: 'phone_verified_sends',
    counts: 'verified sends that are excused',
    per: NUMBER,
    windowSeconds: DAY,
    sql: 'verifiedDay',
    setting: 'verifiedSendsPerDay',
  },
  {
    name: 'phone_address',
    refusal: 'address',
    counts: SENDS,
    per: SHARE,
    windowSeconds: HOUR,
    sql: 'addressHour',
    setting: 'sendsPerNumberAddressHour',
  },
  {
    name: 'phone_address',
    refusal: 'address',
    counts: SENDS,
    per: SHARE,
    windowSeconds: DAY,
    sql: 'addressDay',
    setting: 'sendsPerNumberAddressDay',
  },
  {
    name: 'phone_send_reserve',
    counts: 'sends above the caps',
    per: 'number and address that signed in to its account before',
    windowSeconds: DAY,
    sql: 'reserveSends',
    setting: 'reserveSendsPerDay',
  },
  {
    name: 'phone_factor_refusing',
    refusal: 'factor_refusing',
    counts: ROW,
    per: NUMBER,
    sql: 'refusingFailures',
    setting: 'refusingFailures',
  },
  {
    name: 'phone_failing',
    refusal: 'failing',
    counts: ROW,
    per: NUMBER,
    sql: 'waitFromFailures',
    setting: 'waitFromFailures',
  },
  {
    name: 'phone_checks_number',
    refusal: 'check_number',
    counts: CHECKS,
    per: NUMBER,
    windowSeconds: DAY,
    sql: 'numberChecksDay',
    setting: 'checksPerNumberDay',
  },
  {
    name: 'phone_checks_address',
    refusal: 'check_address',
    counts: CHECKS,
    per: SHARE,
    windowSeconds: DAY,
    sql: 'addressChecksDay',
    setting: 'checksPerNumberAddressDay',
  },
  {
    name: 'phone_check_reserve',
    counts: 'checks above the caps',
    per: 'number and address that signed in to its account before',
    windowSeconds: DAY,
    sql: 'reserveChecks',
    setting: 'reserveChecksPerDay',
  },
];

/** One send until the cool-down has passed: each send of an address to a number is followed by one. */
const COOLDOWN = { name: 'phone_cooldown', limit: 1 };

/** The settings under the names that the SQL functions read. */
export function phoneLimits(config: PhoneLimitSettings): PhoneLimits {
  const counts = CAPS.map(({ sql, setting }) => [sql, config[setting]] as const);
  return {
    ...Object.fromEntries(counts),
    cooldownSeconds: config.cooldownSeconds,
    codeSeconds: config.codeTtlSeconds,
  };
}

/** The caps per number, as docs/limits.md shows them. */
export function phoneCaps(config: PhoneLimitSettings): readonly Limit[] {
  return CAPS.map(({ sql: _sql, refusal: _refusal, ...cap }) => ({
    ...cap,
    limit: config[cap.setting],
    withoutRedis: 'postgres',
  }));
}

/**
 * RATE_LIMITED for a refusal of the SQL functions. They name no window: of several it is the
 * shortest one that the wait fits in.
 */
export function phoneRefusal(
  limits: PhoneLimits,
  refusal: string,
  waitSeconds: number,
): DomainError {
  const caps = CAPS.filter((cap) => cap.refusal === refusal);
  const cap = caps.find(({ windowSeconds = DAY }) => waitSeconds <= windowSeconds) ?? caps.at(-1);
  if (!cap) return rateLimited(COOLDOWN, waitSeconds * 1000);
  const { name, sql, windowSeconds } = cap;
  return rateLimited({ name, limit: Number(limits[sql]), windowSeconds }, waitSeconds * 1000);
}

/** Number and address as they are counted: keyed hashes, so the tables tell nobody's number. */
export function attemptKey(digest: Digest, phone: E164, addressUnit: string): AttemptKey {
  return {
    phoneKey: phoneKeyOf(digest, phone),
    addressKey: addressKeyOf(digest, addressUnit),
  };
}

/** A number as it is counted, and as events about it are ordered. */
export function phoneKeyOf(digest: Digest, phone: E164): Buffer {
  return digest.current('phone', [phone]).value;
}

/** An address as it is counted and remembered. */
export function addressKeyOf(digest: Digest, addressUnit: string): Buffer {
  return digest.current('address', [addressUnit]).value;
}
