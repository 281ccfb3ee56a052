import { integer, integers, matching } from './read.ts';
import { setting, MINUTE, HOUR, DAY } from './setting.ts';

/** The second factor: authenticator codes and backup codes. */
export const twoFactorSettings = {
  twoFactorIssuer: setting(
    'TWO_FACTOR_ISSUER',
    matching(/^[\p{L}\p{N} ._-]{1,32}$/u, '1 to 32 letters, digits, blanks, dots or dashes'),
    'Whispr',
    'what authenticator apps call the service',
  ),
  twoFactorPendingSeconds: setting(
    'TWO_FACTOR_PENDING_SECONDS',
    integer(MINUTE, HOUR),
    10 * MINUTE,
    'time in which a set-up secret must be proven',
  ),
  twoFactorLockSeconds: setting(
    'TWO_FACTOR_LOCK_SECONDS',
    integers(MINUTE, 7 * DAY),
    [15 * MINUTE, HOUR, DAY],
    'lock after the 5th, 10th, … miss in a row; the last holds for every five after it',
  ),
  twoFactorRefusingMisses: setting(
    'TWO_FACTOR_REFUSING_MISSES',
    integer(20, 1_000),
    100,
    'misses in a row from which authenticator codes are refused',
  ),
  backupSetsPerAccountHour: setting(
    'TWO_FACTOR_BACKUP_SETS_PER_HOUR',
    integer(1, 100),
    20,
    'new sets of backup codes per account and hour, by turning the factor on or by asking',
  ),
  challengeSeconds: setting(
    'TWO_FACTOR_CHALLENGE_SECONDS',
    integer(MINUTE, 10 * MINUTE),
    10 * MINUTE,
    'time in which a login with a proven number must bring its second factor',
  ),
  challengeTries: setting(
    'TWO_FACTOR_CHALLENGE_TRIES',
    integer(1, 5),
    5,
    'tries of a second factor per login; the account counts misses beside it',
  ),
  bcryptConcurrency: setting(
    'TWO_FACTOR_BCRYPT_CONCURRENCY',
    integer(1, 2),
    1,
    'backup codes that a process hashes at once, each on a core that other calls do not get',
  ),
  bcryptQueueLength: setting(
    'TWO_FACTOR_BCRYPT_QUEUE_LENGTH',
    integer(16, 256),
    64,
    'backup codes that may wait to be hashed, 60 ms each; more is answered UNAVAILABLE',
  ),
};
