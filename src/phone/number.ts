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

/** A number and what it has in common with others. */
export interface NumberTraits {
  readonly number: string;
  /** ISO 3166, or 001 for numbers of no country. */
  readonly country: string;
  /** As libphonenumber names it, or UNKNOWN. */
  readonly kind: string;
}

export type ReadNumber =
  | { readonly status: 'read'; readonly phone: E164 }
  /** Not for its form: it is a number, of a kind or country that gets no codes. */
  | { readonly status: 'barred'; readonly why: 'kind' | 'country'; readonly error: DomainError };

/**
 * Reads a number that starts with `+`; spaces, dashes, dots and brackets are tolerated. Every
 * spelling of a number gives the same value, so limits cannot be passed by formatting.
 * `countries` are ISO 3166 codes; an empty list allows all. @throws NUMBER_REFUSED for its form
 */
export function readNumber(raw: string, countries: readonly string[]): ReadNumber {
  const number = parsed(raw);
  if (!number?.isValid()) throw refused('This is not a valid phone number.', 'form');
  const kind = number.getType();
  if (kind !== undefined && REFUSED_KINDS.has(kind)) {
    return barred('kind', 'This kind of number cannot receive codes.');
  }
  if (countries.length > 0 && !countries.some((country) => country === number.country)) {
    return barred('country', 'Codes cannot be sent to this country.');
  }
  return { status: 'read', phone: storedNumber(number.number) };
}

/** What guards know of a number, also of one that gets no codes. */
export function traitsOf(raw: string): NumberTraits {
  const number = parsed(raw);
  const { number: text = '', country = '001' } = number ?? {};
  return { number: text, country, kind: number?.getType() ?? 'UNKNOWN' };
}

/** A number that was read by `readNumber` before it was stored. */
export function storedNumber(text: string): E164 {
  return text as E164;
}

/** First and last digits, such as `+33…42`: enough for its owner to know it. */
export function maskNumber(phone: E164): string {
  return `${phone.slice(0, 3)}…${phone.slice(-2)}`;
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

function barred(why: 'kind' | 'country', message: string): ReadNumber {
  return { status: 'barred', why, error: refused(message, why) };
}

function refused(message: string, why: string): DomainError {
  const violations = [{ field: 'phoneNumber', description: message }];
  return new DomainError('NUMBER_REFUSED', message, { violations, metadata: { why } });
}
