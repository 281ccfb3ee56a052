import { integer } from './read.ts';
import { setting, HOUR, DAY } from './setting.ts';

/** The life of an account: number change, lockdown, recovery. */
export const accountSettings = {
  numberChangeSessionSeconds: setting(
    'ACCOUNT_NUMBER_CHANGE_SESSION_SECONDS',
    integer(DAY, 90 * DAY),
    7 * DAY,
    'age from which a session alone, without old number or second factor, may change the number',
  ),
  lockdownLiftSeconds: setting(
    'ACCOUNT_LOCKDOWN_LIFT_SECONDS',
    integer(12 * HOUR, 14 * DAY),
    DAY,
    'time after which a lockdown is lifted by the phone number alone if there is no second factor',
  ),
  recoveryWaitSeconds: setting(
    'ACCOUNT_RECOVERY_WAIT_SECONDS',
    integer(3 * DAY, 30 * DAY),
    7 * DAY,
    'time from the start of a recovery until it can be completed',
  ),
  recoveryStartsPerDay: setting(
    'ACCOUNT_RECOVERY_STARTS_PER_DAY',
    integer(1, 5),
    1,
    'recoveries that can be started per account in 24 h, cancelled ones included',
  ),
};
