import { generateSecret, generateSync, generateURI } from 'otplib';
import { equalsInConstantTime } from '../platform/secret.ts';

/** What every authenticator app reads. */
const FORM = { algorithm: 'sha1', digits: 6, period: 30 } as const;

/** 160 random bits in base32 without padding. */
export function newTotpSecret(): string {
  return generateSecret({ length: 20 });
}

/** The time step of RFC 6238 that `nowMs` lies in. */
export function totpStep(nowMs: number): number {
  return Math.floor(nowMs / 1000 / FORM.period);
}

/** The code of one step. */
export function totpCode(secret: string, step: number): string {
  return generateSync({ ...FORM, secret, epoch: step * FORM.period });
}

/**
 * The step, the present or the one before, whose code this is; nothing for a wrong code. Steps up
 * to `lastStep` were used. Both are always compared, so the time does not tell which one it was.
 */
export function matchingStep(
  secret: string,
  code: string,
  at: { readonly nowMs: number; readonly lastStep: number },
): number | undefined {
  const present = totpStep(at.nowMs);
  const matching = [present, present - 1].filter((step) =>
    equalsInConstantTime(totpCode(secret, step), code),
  );
  return matching.find((step) => step > at.lastStep);
}

/** What authenticator apps scan; the parameters are spelt out for those that have other defaults. */
export function otpauthUri(issuer: string, label: string, secret: string): string {
  const { digits, period } = FORM;
  const uri = generateURI({ issuer, label, secret });
  return `${uri}&algorithm=SHA1&digits=${digits}&period=${period}`;
}

/** The six digits of an authenticator code, as people type them; nothing for any other text. */
export function readTotpCode(typed: string): string | undefined {
  const digits = typed.replace(/[\s-]/g, '');
  return /^[0-9]{6}$/.test(digits) ? digits : undefined;
}
