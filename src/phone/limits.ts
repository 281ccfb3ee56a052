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

/** The settings under the names that the SQL functions read. */
export function phoneLimits(config: PhoneLimitSettings): PhoneLimits {
  return {
    numberHour: config.sendsPerNumberHour,
    numberDay: config.sendsPerNumberDay,
    hardDay: config.sendsPerNumberHardDay,
    verifiedDay: config.verifiedSendsPerDay,
    addressHour: config.sendsPerNumberAddressHour,
    addressDay: config.sendsPerNumberAddressDay,
    reserveSends: config.reserveSendsPerDay,
    cooldownSeconds: config.cooldownSeconds,
    refusingFailures: config.refusingFailures,
    numberChecksDay: config.checksPerNumberDay,
    addressChecksDay: config.checksPerNumberAddressDay,
    reserveChecks: config.reserveChecksPerDay,
    waitFromFailures: config.waitFromFailures,
    codeSeconds: config.codeTtlSeconds,
  };
}

/** Number and address as they are counted: keyed hashes, so the tables tell nobody's number. */
export function attemptKey(digest: Digest, phone: E164, addressUnit: string): AttemptKey {
  return {
    phoneKey: digest.current('phone', [phone]).value,
    addressKey: addressKeyOf(digest, addressUnit),
  };
}

/** An address as it is counted and remembered. */
export function addressKeyOf(digest: Digest, addressUnit: string): Buffer {
  return digest.current('address', [addressUnit]).value;
}
