import { parseMoney } from '../platform/money.ts';
import type { FraudPolicy, Thresholds } from './policy.ts';
import type { ReplayRules } from './replay.ts';

export interface ReplayOptions {
  readonly days: number;
  readonly rules: ReplayRules;
}

/** What each option changes; everything else stays as the service is configured. */
const THRESHOLDS: Readonly<Record<string, keyof Thresholds>> = {
  '--window-seconds': 'windowSeconds',
  '--min-sends': 'minSends',
  '--share': 'share',
  '--block-seconds': 'blockSeconds',
  '--block-max-seconds': 'blockMaxSeconds',
  '--sends-per-hour': 'sendsPerHour',
};

/** As shares of one, `0.3`. */
const SHARES: Readonly<Record<string, keyof Thresholds>> = {
  '--max-conversion': 'minConversionPercent',
  '--reserve': 'reservePercent',
};

const OTHERS = ['--days', '--spend-per-day', '--countries'];

export const REPLAY_USAGE = [
  'usage: main replay-fraud',
  ...[...OTHERS, ...Object.keys(THRESHOLDS), ...Object.keys(SHARES)].map((name) => `[${name} …]`),
].join(' ');

/**
 * Reads `--name value` pairs over the service's own thresholds.
 * @throws Error with the usage for what it does not know or cannot read
 */
export function replayOptions(
  words: readonly string[],
  own: { policy: FraudPolicy; countries: readonly string[]; recordDays: number },
): ReplayOptions {
  const given = pairs(words);
  const thresholds: Record<keyof Thresholds, number> = { ...own.policy.thresholds };
  for (const [name, value] of given) {
    const plain = THRESHOLDS[name];
    const share = SHARES[name];
    if (plain !== undefined) thresholds[plain] = wholeNumber(value);
    if (share !== undefined) thresholds[share] = percent(value);
  }
  const days = given.get('--days');
  const perDay = given.get('--spend-per-day');
  const cap = perDay === undefined ? undefined : micros(perDay);
  return {
    days: days === undefined ? own.recordDays : wholeNumber(days),
    rules: {
      thresholds,
      spendPerDay: cap === undefined ? own.policy.spendPerDay : () => cap,
      countries: given.get('--countries')?.split(',') ?? own.countries,
    },
  };
}

function pairs(words: readonly string[]): Map<string, string> {
  const given = new Map<string, string>();
  for (let at = 0; at < words.length; at += 2) {
    const [name = '', value] = words.slice(at, at + 2);
    const isKnown = OTHERS.includes(name) || name in THRESHOLDS || name in SHARES;
    if (!isKnown || value === undefined) throw new Error(REPLAY_USAGE);
    given.set(name, value);
  }
  return given;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new Error(`'${text}' is no whole number\n${REPLAY_USAGE}`);
  return Number(text);
}

function percent(text: string): number {
  if (!/^(0(\.\d{1,2})?|1(\.0{1,2})?)$/.test(text)) {
    throw new Error(`'${text}' is no share such as 0.3\n${REPLAY_USAGE}`);
  }
  return Math.round(Number(text) * 100);
}

function micros(text: string): number {
  const amount = parseMoney(text);
  if (!amount) throw new Error(`'${text}' is no amount such as 500\n${REPLAY_USAGE}`);
  return amount.micros;
}
