import type { Secret } from '../platform/secret.ts';
import { integer, list, matching, oneOf, secret, url, weighted } from './read.ts';
import type { Weighted } from './read.ts';
import { hidden, optional, setting, MINUTE } from './setting.ts';

/** SMS delivery. */
export const smsSettings = {
  smsProviders: setting(
    'SMS_PROVIDERS',
    weighted(['twilio', 'vonage', 'inbox']),
    [],
    'providers; name:weight shares the first choice, a name alone is reserve in this order; none = sends are refused; inbox is the local stack’s',
  ),
  smsInboxUrl: optional('SMS_INBOX_URL', url, 'where SMS_PROVIDERS=inbox posts messages'),
  smsTimeoutMs: setting(
    'SMS_TIMEOUT_MS',
    integer(100, 2_000),
    1_500,
    'longest wait for one provider before the next is asked',
  ),
  smsBreakerWindow: setting(
    'SMS_BREAKER_WINDOW',
    integer(5, 1_000),
    20,
    'newest attempts of a provider by which its breaker judges it',
  ),
  smsBreakerMinimum: setting(
    'SMS_BREAKER_MINIMUM',
    integer(1, 100),
    5,
    'attempts before a breaker judges at all',
  ),
  smsBreakerPercent: setting(
    'SMS_BREAKER_PERCENT',
    integer(10, 99),
    50,
    'share of failed attempts above which a provider is left alone',
  ),
  smsBreakerOpenMs: setting(
    'SMS_BREAKER_OPEN_MS',
    integer(100, 10 * MINUTE * 1000),
    10_000,
    'time for which it is left alone before one attempt probes it',
  ),
  smsCountries: setting(
    'SMS_COUNTRIES',
    list,
    [],
    'ISO 3166 countries that codes are sent to; empty = all',
  ),
  twilioAccountSid: optional(
    'TWILIO_ACCOUNT_SID',
    matching(/^AC[0-9a-fA-F]{32}$/, 'AC and 32 hexadecimal digits'),
    'the account that sends',
  ),
  twilioAuthToken: hidden(
    optional('TWILIO_AUTH_TOKEN', secret, 'its password, also the key of its webhooks’ signatures'),
  ),
  twilioFromNumber: optional(
    'TWILIO_FROM_NUMBER',
    matching(/^(\+\d{5,15}|[\w .-]{2,11})$/, 'a number in E.164 or a sender name'),
    'sender of the messages',
  ),
  twilioMessagingServiceSid: optional(
    'TWILIO_MESSAGING_SERVICE_SID',
    matching(/^MG[0-9a-fA-F]{32}$/, 'MG and 32 hexadecimal digits'),
    'a messaging service that chooses the sender; instead of TWILIO_FROM_NUMBER',
  ),
  twilioApiUrl: setting(
    'TWILIO_API_URL',
    url,
    'https://api.twilio.com',
    'another region’s API, for example https://api.dublin.ie1.twilio.com',
  ),
  vonageApiKey: optional('VONAGE_API_KEY', matching(/^[\w-]+$/, 'a key'), 'the account that sends'),
  vonageApiSecret: hidden(optional('VONAGE_API_SECRET', secret, 'its password')),
  vonageSignatureSecret: hidden(
    optional('VONAGE_SIGNATURE_SECRET', secret, 'key of its webhooks’ signatures'),
  ),
  vonageSignatureMethod: setting(
    'VONAGE_SIGNATURE_METHOD',
    oneOf(['sha256', 'sha512']),
    'sha256',
    'HMAC of its webhooks’ signatures, as set in the account; the older ones are not accepted',
  ),
  vonageFrom: optional(
    'VONAGE_FROM',
    matching(/^(\+?\d{5,15}|[\w .-]{2,11})$/, 'a number or a sender name'),
    'sender of the messages',
  ),
  vonageApiUrl: setting(
    'VONAGE_API_URL',
    url,
    'https://rest.nexmo.com',
    'another region’s API, for example https://rest-eu.nexmo.com',
  ),
};

interface SmsValues {
  readonly smsProviders: readonly Weighted<'twilio' | 'vonage' | 'inbox'>[];
  readonly smsInboxUrl: string | undefined;
  readonly smsTimeoutMs: number;
  readonly smsBreakerWindow: number;
  readonly smsBreakerMinimum: number;
  readonly twilioAccountSid: string | undefined;
  readonly twilioAuthToken: Secret<string> | undefined;
  readonly twilioFromNumber: string | undefined;
  readonly twilioMessagingServiceSid: string | undefined;
  readonly twilioApiUrl: string;
  readonly vonageApiKey: string | undefined;
  readonly vonageApiSecret: Secret<string> | undefined;
  readonly vonageSignatureSecret: Secret<string> | undefined;
  readonly vonageFrom: string | undefined;
  readonly vonageApiUrl: string;
  readonly publicUrl: string | undefined;
  readonly unaryDeadlineMs: number;
}

/** Time of a call that is not the providers': limits, records and the answer. */
const OWN_SHARE_MS = 500;

/** What only makes sense together. */
export function smsConflicts(values: SmsValues, isProduction: boolean): string[] {
  const names = values.smsProviders.map(({ name }) => name);
  const conflicts = missingCredentials(values, names);
  if (names.includes('inbox')) {
    if (isProduction)
      conflicts.push('SMS_PROVIDERS=inbox is refused in production: codes would be readable');
    if (values.smsInboxUrl === undefined)
      conflicts.push('SMS_INBOX_URL is required with SMS_PROVIDERS=inbox');
  }
  if (values.smsBreakerMinimum > values.smsBreakerWindow) {
    conflicts.push('SMS_BREAKER_MINIMUM must not exceed SMS_BREAKER_WINDOW');
  }
  if (names.every((name) => name === 'inbox')) return conflicts;
  const longestMs = names.length * values.smsTimeoutMs + OWN_SHARE_MS;
  if (longestMs > values.unaryDeadlineMs) {
    conflicts.push(
      `SMS_TIMEOUT_MS of ${names.length} providers and ${OWN_SHARE_MS} ms exceed UNARY_DEADLINE_MS`,
    );
  }
  return isProduction ? [...conflicts, ...plainUrls(values, names)] : conflicts;
}

function missingCredentials(values: SmsValues, names: readonly string[]): string[] {
  const needed = {
    twilio: {
      TWILIO_ACCOUNT_SID: values.twilioAccountSid,
      TWILIO_AUTH_TOKEN: values.twilioAuthToken,
      'TWILIO_FROM_NUMBER or TWILIO_MESSAGING_SERVICE_SID':
        values.twilioFromNumber ?? values.twilioMessagingServiceSid,
      PUBLIC_URL: values.publicUrl,
    },
    vonage: {
      VONAGE_API_KEY: values.vonageApiKey,
      VONAGE_API_SECRET: values.vonageApiSecret,
      VONAGE_SIGNATURE_SECRET: values.vonageSignatureSecret,
      VONAGE_FROM: values.vonageFrom,
      PUBLIC_URL: values.publicUrl,
    },
  };
  return Object.entries(needed)
    .filter(([provider]) => names.includes(provider))
    .flatMap(([provider, credentials]) =>
      Object.entries(credentials)
        .filter(([, value]) => value === undefined)
        .map(([name]) => `${name} is required with SMS_PROVIDERS=${provider}`),
    );
}

/** Credentials, numbers and codes travel there. */
function plainUrls(values: SmsValues, names: readonly string[]): string[] {
  const urls: Readonly<Record<string, string | undefined>> = {
    ...(names.includes('twilio') && { TWILIO_API_URL: values.twilioApiUrl }),
    ...(names.includes('vonage') && { VONAGE_API_URL: values.vonageApiUrl }),
    PUBLIC_URL: values.publicUrl,
  };
  return Object.entries(urls)
    .filter(([, value]) => value !== undefined && !value.startsWith('https://'))
    .map(([name]) => `${name} must begin with https:// in production, for what providers send`);
}
