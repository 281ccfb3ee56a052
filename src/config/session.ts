import { integer } from './read.ts';
import { setting, MINUTE, HOUR, DAY } from './setting.ts';

/** Sessions and devices. */
export const sessionSettings = {
  sessionIdleSeconds: setting(
    'SESSION_IDLE_SECONDS',
    integer(HOUR, 90 * DAY),
    30 * DAY,
    'a session that is not refreshed ends',
  ),
  sessionAbsoluteSeconds: setting(
    'SESSION_ABSOLUTE_SECONDS',
    integer(DAY, 365 * DAY),
    180 * DAY,
    'a session ends this long after its first authentication',
  ),
  refreshGraceSeconds: setting(
    'SESSION_REFRESH_GRACE_SECONDS',
    integer(1, 5 * MINUTE),
    30,
    'time in which the predecessor of a refresh token gets the same successor',
  ),
  refreshLateSeconds: setting(
    'SESSION_REFRESH_LATE_SECONDS',
    integer(0, 7 * DAY),
    DAY,
    'time in which a late predecessor still converges',
  ),
  refreshLateMax: setting(
    'SESSION_REFRESH_LATE_MAX',
    integer(0, 10),
    3,
    'late predecessors per session in 30 days',
  ),
  deviceCap: setting(
    'SESSION_DEVICE_CAP',
    integer(1, 50),
    10,
    'devices with a living session per account',
  ),
  deviceReplaceableSeconds: setting(
    'SESSION_DEVICE_REPLACEABLE_SECONDS',
    integer(HOUR, 90 * DAY),
    7 * DAY,
    'disuse after which a device may be replaced at the cap',
  ),
  juniorSeconds: setting(
    'SESSION_JUNIOR_SECONDS',
    integer(HOUR, 30 * DAY),
    DAY,
    'a session younger than this is held back while an older one lives',
  ),
  stepUpSeconds: setting(
    'SESSION_STEP_UP_SECONDS',
    integer(MINUTE, 15 * MINUTE),
    5 * MINUTE,
    'time for which a step-up lifts a session',
  ),
  dormantSeconds: setting(
    'SESSION_DORMANT_SECONDS',
    integer(7 * DAY, 80 * DAY),
    30 * DAY,
    'an account whose last session ended longer ago is dormant; ended sessions are kept 90 days',
  ),
  revocationPollMs: setting(
    'SESSION_REVOCATION_POLL_MS',
    integer(20, 900),
    200,
    'pause between polls of the revocation feed',
  ),
};
