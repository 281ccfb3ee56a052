import { integer } from './read.ts';
import { MINUTE, setting } from './setting.ts';

/** Adding a device by QR. */
export const linkSettings = {
  linkChallengeSeconds: setting(
    'LINK_CHALLENGE_SECONDS',
    integer(MINUTE, 5 * MINUTE),
    5 * MINUTE,
    'a QR login ends this long after its start',
  ),
  linkQrSeconds: setting(
    'LINK_QR_SECONDS',
    integer(10, MINUTE),
    30,
    'a QR code can be scanned for this long',
  ),
  linkReissues: setting(
    'LINK_REISSUES',
    integer(0, 5),
    5,
    'QR codes that a QR login may have after its first one',
  ),
  linkPollMs: setting(
    'LINK_POLL_MS',
    integer(50, 900),
    500,
    'pause between looks at the QR logins that somebody watches',
  ),
  linkStartsPerAddressMinute: setting(
    'LINK_STARTS_PER_ADDRESS_MINUTE',
    integer(1, 100),
    10,
    'QR logins that an address may start in a minute',
  ),
  linkScansPerAccountHour: setting(
    'LINK_SCANS_PER_ACCOUNT_HOUR',
    integer(1, 50),
    5,
    'QR logins that an account may scan in an hour',
  ),
};
