/** The rows of "What is left to a guesser" in docs/limits.md. */
import type { Config } from '../../src/config.ts';
import { CODE_DIGITS } from '../../src/phone/code.ts';
import { chanceOf, codeGuesses, factorGuesses, oneIn, percentOf } from './guessing.ts';
import type { CodeCaps, FactorCaps } from './guessing.ts';
import { MISSES_PER_LOCK } from '../../src/two-factor/store.ts';

const YEAR_DAYS = 365;
const CODE = 10 ** -CODE_DIGITS;
/** Two of the 10^6 codes are right at any time: this step's and the one before. */
const TOTP = 2e-6;
/** The secret part of a backup code; its first character only names the slot. */
const BACKUP_CODE = 2 ** -75;
/** A challenge is 256 random bits. */
const CHALLENGE = 2 ** -256;
/** Two digits. */
const LINK_NUMBER = 0.01;
export function guessingRows(config: Config): string[][] {
  return [...codeRows(config), ...factorRows(config), ...linkRows(config)];
}

function codeRows(config: Config): string[][] {
  const caps: CodeCaps = {
    checksPerDay: config.checksPerNumberDay,
    waitFrom: config.waitFromFailures,
  };
  const atHome = {
    ...caps,
    checksPerDay: caps.checksPerDay + config.reserveChecksPerDay,
  };
  const wait = `a wait from the ${config.waitFromFailures}th failure on`;
  const perDay = `${caps.checksPerDay} checks a day per number`;
  return [
    row('one phone code', `${config.codeChecks} checks per code`, {
      guesses: config.codeChecks,
      each: CODE,
    }),
    row('phone codes of a number, a day', perDay, { guesses: codeGuesses(caps, 1), each: CODE }),
    row('the same, from an address that signed in before', `${atHome.checksPerDay} checks a day`, {
      guesses: codeGuesses(atHome, 1),
      each: CODE,
    }),
    row('phone codes of a number, a year', `${perDay}, ${wait}`, {
      guesses: codeGuesses(caps, YEAR_DAYS),
      each: CODE,
    }),
    row('the same, owner signs in daily', perDay, {
      guesses: codeGuesses(caps, YEAR_DAYS, true),
      each: CODE,
    }),
    row(
      'the same, account with a second factor',
      `no codes to strangers after ${config.refusingFailures} failures`,
      { guesses: Math.min(config.refusingFailures, codeGuesses(caps, YEAR_DAYS)), each: CODE },
    ),
  ];
}

function factorRows(config: Config): string[][] {
  const caps: FactorCaps = {
    missesPerLock: MISSES_PER_LOCK,
    lockSeconds: config.twoFactorLockSeconds,
    refusingMisses: config.twoFactorRefusingMisses,
  };
  const locks = `${MISSES_PER_LOCK} misses, then a lock`;
  const daily = factorGuesses(caps, 1);
  return [
    row('authenticator code, one login', `${config.challengeTries} tries`, {
      guesses: config.challengeTries,
      each: TOTP,
    }),
    row('authenticator code, a day', locks, { guesses: daily, each: TOTP }),
    row('authenticator code, ever', `refuses after ${caps.refusingMisses} misses in a row`, {
      guesses: factorGuesses(caps, YEAR_DAYS),
      each: TOTP,
    }),
    row('the same, owner signs in daily, a year', locks, {
      guesses: daily * YEAR_DAYS,
      each: TOTP,
    }),
    row('backup code, a year', locks, {
      guesses: factorGuesses(caps, YEAR_DAYS, false),
      each: BACKUP_CODE,
    }),
    row('challenge of a login', 'its life', { guesses: 1_000_000, each: CHALLENGE }),
  ];
}

function linkRows(config: Config): string[][] {
  const scans = config.linkScansPerAccountHour;
  return [
    row('QR number, one QR login', '1 try', { guesses: 1, each: LINK_NUMBER }),
    row('QR number, an hour of scanning', `${scans} scans an hour`, {
      guesses: scans,
      each: LINK_NUMBER,
    }),
  ];
}

interface Guessed {
  readonly guesses: number;
  /** The chance of one guess. */
  readonly each: number;
}

function row(secret: string, caps: string, { guesses, each }: Guessed): string[] {
  const chance = chanceOf(guesses, each);
  return [
    secret,
    caps,
    guesses.toLocaleString('en-US'),
    chance >= 0.001 ? `${oneIn(chance)} (${percentOf(chance)})` : oneIn(chance),
  ];
}
