import { isSupportedCountry, parsePhoneNumberWithError } from 'libphonenumber-js/max';
import type { PhoneNumber } from 'libphonenumber-js/max';
import { DomainError } from '../errors.ts';

declare const isE164: unique symbol;

/** A phone number in E.164, `+` and 7 to 15 digits, whose country and kind may receive codes. */
export type E164 = string & { readonly [isE164]: true };

/** Kinds of number that cost the caller, or pay whoever owns them (toll fraud). */
const REFUSED_KINDS = new Set([
  'PREMIUM_RATE',
  'SHARED_COST',
  'TOLL_FREE',
  'UAN',
  'PAGER',
  'VOICEMAIL',
]);

/**
 * Reads a number that starts with `+`; spaces, dashes, dots and brackets are tolerated. Every
 * spelling of a number gives the same value, so limits cannot be passed by formatting.
 * `countries` are ISO 3166 codes; an empty list allows all. @throws NUMBER_REFUSED
 */
export function parseNumber(raw: string, countries: readonly string[]): E164 {
  const number = parsed(raw);
  if (!number?.isValid()) throw refused('This is not a valid phone number.', 'form');
  const kind = number.getType();
  if (kind !== undefined && REFUSED_KINDS.has(kind)) {
    throw refused('This kind of number cannot receive codes.', 'kind');
  }
  if (countries.length > 0 && !countries.some((country) => country === number.country)) {
    throw refused('Codes cannot be sent to this country.', 'country');
  }
  return storedNumber(number.number);
}

/** A number that was read by `parseNumber` before it was stored. */
export function storedNumber(text: string): E164 {
  return text as E164;
}

/** Names of `countries` that are no ISO 3166 code known here; a typo would refuse a whole country. */
export function unknownCountries(countries: readonly string[]): string[] {
  return countries.filter((country) => !isSupportedCountry(country));
}

function parsed(raw: string): PhoneNumber | undefined {
  const compact = raw.replace(/[\s().\-\u00a0\u2010-\u2015]/g, '');
  if (!/^\+[0-9]{7,15}$/.test(compact)) return undefined;
  try {
    return parsePhoneNumberWithError(compact);
  } catch {
    return undefined;
  }
}

function refused(message: string, why: string): DomainError {
  const violations = [{ field: 'phoneNumber', description: message }];
  return new DomainError('NUMBER_REFUSED', message, { violations, metadata: { why } });
}
