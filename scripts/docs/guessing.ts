/** What the caps leave to somebody who guesses, computed from the caps: nothing here does input or output. */

const DAY_SECONDS = 86_400;

/** Caps on codes that are sent: the ones of PostgreSQL, which no fail-over takes back. */
export interface CodeCaps {
  readonly checksPerDay: number;
  /** Failures in a row from which each next check waits, doubling from a minute to a day. */
  readonly waitFrom: number;
}

/** Caps on a second factor. */
export interface FactorCaps {
  readonly missesPerLock: number;
  /** Lock after the first misses, the next ones, …; the last one holds from there on. */
  readonly lockSeconds: readonly number[];
  readonly refusingMisses: number;
}

/**
 * How many codes a guesser can try in some days, always as early as the caps allow. With
 * `isResetDaily` the owner signs in every day, which starts the failures anew.
 */
export function codeGuesses(caps: CodeCaps, days: number, isResetDaily = false): number {
  const tried: number[] = [];
  let failures = 0;
  let at = 0;
  while (at < days * DAY_SECONDS) {
    const oldest = tried.at(-caps.checksPerDay);
    if (tried.length >= caps.checksPerDay && oldest !== undefined && at < oldest + DAY_SECONDS) {
      at = oldest + DAY_SECONDS;
      if (isResetDaily) failures = 0;
      continue;
    }
    tried.push(at);
    failures += 1;
    if (failures >= caps.waitFrom) at += waitAfter(failures - caps.waitFrom);
  }
  return tried.length;
}

/** A minute, doubled per failure, a day at most; the SQL function `take_check` says the same. */
function waitAfter(failuresAbove: number): number {
  return Math.min(DAY_SECONDS, 60 * 2 ** failuresAbove);
}

/** How many codes of a second factor can be tried in some days; none after it refuses. */
export function factorGuesses(caps: FactorCaps, days: number, isRefusing = true): number {
  let misses = 0;
  let at = 0;
  while (at < days * DAY_SECONDS && (!isRefusing || misses < caps.refusingMisses)) {
    misses += 1;
    if (misses % caps.missesPerLock === 0) {
      const lock = misses / caps.missesPerLock - 1;
      at += caps.lockSeconds[lock] ?? caps.lockSeconds.at(-1) ?? DAY_SECONDS;
    }
  }
  return misses;
}

/** The chance that one of `guesses` is right, each by itself with the chance `each`. */
export function chanceOf(guesses: number, each: number): number {
  return -Math.expm1(guesses * Math.log1p(-each));
}

/** `1 in 66,700`, three digits of it; powers of two beyond what is read at a glance. */
export function oneIn(chance: number): string {
  const count = 1 / chance;
  if (count > 1e12) return `1 in 2^${Math.floor(Math.log2(count))}`;
  const digits = 10 ** Math.max(0, Math.floor(Math.log10(count)) - 2);
  return `1 in ${(Math.round(count / digits) * digits).toLocaleString('en-US')}`;
}

export function percentOf(chance: number): string {
  return `${(chance * 100).toPrecision(2)} %`;
}
