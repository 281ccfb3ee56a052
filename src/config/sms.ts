import { integer, list, someOf, url } from './read.ts';
import { setting, optional } from './setting.ts';

/** SMS delivery. */
export const smsSettings = {
  smsProviders: setting(
    'SMS_PROVIDERS',
    someOf(['inbox']),
    [],
    'providers in use; none = sends are refused; inbox is the local stack’s',
  ),
  smsInboxUrl: optional('SMS_INBOX_URL', url, 'where SMS_PROVIDERS=inbox posts messages'),
  smsTimeoutMs: setting(
    'SMS_TIMEOUT_MS',
    integer(100, 10_000),
    2_000,
    'longest wait for a provider',
  ),
  smsCountries: setting(
    'SMS_COUNTRIES',
    list,
    [],
    'ISO 3166 countries that codes are sent to; empty = all',
  ),
};
