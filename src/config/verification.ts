import { integer, integers } from './read.ts';
import { setting, MINUTE, HOUR } from './setting.ts';

/** Phone verification: lives and limits. */
export const verificationSettings = {
  verificationTtlSeconds: setting(
    'VERIFICATION_TTL_SECONDS',
    integer(5 * MINUTE, 15 * MINUTE),
    15 * MINUTE,
    'life of a verification',
  ),
  codeTtlSeconds: setting(
    'VERIFICATION_CODE_TTL_SECONDS',
    integer(30, 10 * MINUTE),
    5 * MINUTE,
    'life of a code',
  ),
  codeChecks: setting('VERIFICATION_CODE_CHECKS', integer(1, 5), 5, 'checks per code'),
  cooldownSeconds: setting(
    'VERIFICATION_COOLDOWN_SECONDS',
    integers(0, HOUR),
    [30, 60, 120, 300],
    'pause after the 1st, 2nd, … send to a number from one address',
  ),
  sendsPerNumberHour: setting(
    'VERIFICATION_SENDS_PER_NUMBER_HOUR',
    integer(1, 20),
    5,
    'unverified sends per number and hour',
  ),
  sendsPerNumberDay: setting(
    'VERIFICATION_SENDS_PER_NUMBER_DAY',
    integer(1, 20),
    10,
    'unverified sends per number and day',
  ),
  sendsPerNumberHardDay: setting(
    'VERIFICATION_SENDS_PER_NUMBER_HARD_DAY',
    integer(1, 40),
    20,
    'unverified sends per number and day, reserves included',
  ),
  verifiedSendsPerDay: setting(
    'VERIFICATION_VERIFIED_SENDS_PER_DAY',
    integer(0, 50),
    10,
    'verified sends per number and day that do not count',
  ),
  sendsPerNumberAddressHour: setting(
    'VERIFICATION_SENDS_PER_NUMBER_ADDRESS_HOUR',
    integer(1, 20),
    3,
    'of a number’s hourly sends, those that one address may use',
  ),
  sendsPerNumberAddressDay: setting(
    'VERIFICATION_SENDS_PER_NUMBER_ADDRESS_DAY',
    integer(1, 20),
    5,
    'of a number’s daily sends, those that one address may use',
  ),
  reserveSendsPerDay: setting(
    'VERIFICATION_RESERVE_SENDS_PER_DAY',
    integer(0, 5),
    2,
    'extra sends for an address that signed in to the account before',
  ),
  checksPerNumberDay: setting(
    'VERIFICATION_CHECKS_PER_NUMBER_DAY',
    integer(1, 50),
    15,
    'failed checks per number and day',
  ),
  checksPerNumberAddressDay: setting(
    'VERIFICATION_CHECKS_PER_NUMBER_ADDRESS_DAY',
    integer(1, 50),
    8,
    'of a number’s failed checks, those that one address may use',
  ),
  reserveChecksPerDay: setting(
    'VERIFICATION_RESERVE_CHECKS_PER_DAY',
    integer(0, 10),
    5,
    'extra checks for an address that signed in to the account before',
  ),
  waitFromFailures: setting(
    'VERIFICATION_WAIT_FROM_FAILURES',
    integer(3, 20),
    10,
    'failures in a row from which each next check waits, doubling from 1 min to 24 h',
  ),
  refusingFailures: setting(
    'VERIFICATION_REFUSING_FAILURES',
    integer(20, 1_000),
    100,
    'failures in a row from which the SMS factor refuses strange addresses',
  ),
  sendsPerAddressHour: setting(
    'VERIFICATION_SENDS_PER_ADDRESS_HOUR',
    integer(1, 300),
    20,
    'unverified sends per address and hour',
  ),
  numbersPerAddressHour: setting(
    'VERIFICATION_NUMBERS_PER_ADDRESS_HOUR',
    integer(1, 300),
    10,
    'unverified numbers per address and hour',
  ),
  checksPerAddressHour: setting(
    'VERIFICATION_CHECKS_PER_ADDRESS_HOUR',
    integer(1, 300),
    30,
    'failed checks per address and hour',
  ),
  ceilingPerAddressHour: setting(
    'VERIFICATION_CEILING_PER_ADDRESS_HOUR',
    integer(1, 3_000),
    300,
    'sends per address and hour, verified ones included',
  ),
};
