import type { Random } from '../platform/random.ts';

/** How many codes a set has; the first character of each names its slot. */
export const CODE_COUNT = 10;

/** Crockford's base 32: no I, L, O and U, which people misread. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** 75 bits. */
const SECRET_CHARACTERS = 15;
const FORM = /^[0-9][0-9A-HJKMNP-TV-Z]{15}$/;

/** A code in its one spelling: 16 characters in upper case. */
export interface BackupCode {
  readonly slot: number;
  readonly text: string;
}

/** A full set of new codes. */
export function newBackupCodes(random: Random): BackupCode[] {
  return Array.from({ length: CODE_COUNT }, (_, slot) => {
    // 32 divides 256, so every character is equally likely.
    const bytes = [...random.bytes(SECRET_CHARACTERS)];
    const secret = bytes.map((byte) => ALPHABET.charAt(byte % ALPHABET.length)).join('');
    return { slot, text: `${slot}${secret}` };
  });
}

/** As people see it: 4-4-4-4. */
export function shownBackupCode({ text }: BackupCode): string {
  return text.replace(/(.{4})(?!$)/g, '$1-');
}

/** A code as people type it, whatever case, dashes and blanks; nothing for any other text. */
export function readBackupCode(typed: string): BackupCode | undefined {
  const text = typed
    .toUpperCase()
    .replace(/[\s\p{Pd}]/gu, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  return FORM.test(text) ? { slot: Number(text.charAt(0)), text } : undefined;
}
