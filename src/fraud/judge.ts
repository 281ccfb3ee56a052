import type { Thresholds } from './policy.ts';
import type { SpendRefusal } from './store.ts';

/** A send of the past, as far as a decision depends on it. */
export interface JudgedSend {
  readonly country: string;
  readonly prefix: string;
  readonly phoneKey: string;
  readonly addressKey: string;
  /** Millionths of the currency. */
  readonly price: number;
  readonly atMs: number;
  readonly verifiedAtMs: number | undefined;
  readonly isTrusted: boolean;
  readonly hasReserve: boolean;
}

export interface JudgeRules {
  readonly thresholds: Thresholds;
  readonly spendPerDay: (country: string) => number;
}

/** Decides about one send after another, in the order of their times; undefined lets it pass. */
export type Judge = (send: JudgedSend) => SpendRefusal | undefined;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The same decisions as the SQL function `take_spend`, over traffic of the past. */
export function judgeBy(rules: JudgeRules): Judge {
  const prefixes = new Map<string, PrefixState>();
  const budgets = new Map<string, Budget>();
  return (send) => {
    const prefix = entryOf(prefixes, send.prefix, newPrefix);
    const isBlocked = blocks(rules.thresholds, prefix, send);
    if (isBlocked && !send.isTrusted) return 'prefix';
    const budget = entryOf(budgets, `${send.country} ${Math.floor(send.atMs / DAY_MS)}`, newBudget);
    const refusal = overspends(rules, budget, send);
    if (refusal !== undefined) return refusal;
    prefix.sends.push(send);
    return undefined;
  };
}

interface PrefixState {
  sends: JudgedSend[];
  blockedUntilMs: number;
  blockSeconds: number;
}

interface Budget {
  spent: number;
  hour: number;
  hourSends: number;
}

function newPrefix(): PrefixState {
  return { sends: [], blockedUntilMs: -Infinity, blockSeconds: 0 };
}

function newBudget(): Budget {
  return { spent: 0, hour: -1, hourSends: 0 };
}

/** Whether the prefix is blocked now; begins a block when its window asks for one. */
function blocks(rules: Thresholds, prefix: PrefixState, { atMs }: JudgedSend): boolean {
  if (prefix.blockedUntilMs > atMs) return true;
  prefix.sends = prefix.sends.filter((sent) => sent.atMs > atMs - rules.windowSeconds * 1000);
  const counted = firstOfEach(prefix.sends, rules.share);
  const verified = counted.filter(({ verifiedAtMs = Infinity }) => verifiedAtMs <= atMs).length;
  const isPumped =
    counted.length >= rules.minSends &&
    verified * 100 < counted.length * rules.minConversionPercent;
  if (!isPumped) return false;
  const isAgain = prefix.blockedUntilMs > atMs - DAY_MS;
  const seconds = isAgain ? prefix.blockSeconds * 2 : rules.blockSeconds;
  prefix.blockSeconds = Math.min(seconds, rules.blockMaxSeconds);
  prefix.blockedUntilMs = atMs + prefix.blockSeconds * 1000;
  return true;
}

/** At most `share` sends of one address and to one number. */
function firstOfEach(sends: readonly JudgedSend[], share: number): JudgedSend[] {
  const seen = new Map<string, number>();
  const rank = (key: string) => {
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return count;
  };
  return sends.filter(({ addressKey, phoneKey }) => {
    const ofAddress = rank(`address ${addressKey}`);
    return Math.max(ofAddress, rank(`phone ${phoneKey}`)) <= share;
  });
}

/** Takes the send from the country's day and hour, or says which of them it does not fit in. */
function overspends(rules: JudgeRules, budget: Budget, send: JudgedSend): SpendRefusal | undefined {
  const { reservePercent, sendsPerHour } = rules.thresholds;
  const percent = send.hasReserve ? 100 : 100 - reservePercent;
  const perDay = rules.spendPerDay(send.country);
  const spent = budget.spent + send.price;
  if (spent * 100 > perDay * percent) return spent > perDay ? 'country_day' : 'country_reserve';
  const hour = Math.floor(send.atMs / HOUR_MS);
  const hourSends = (budget.hour === hour ? budget.hourSends : 0) + 1;
  if (hourSends * 100 > sendsPerHour * percent) {
    return hourSends > sendsPerHour ? 'country_hour' : 'country_reserve';
  }
  Object.assign(budget, { spent, hour, hourSends });
  return undefined;
}

function entryOf<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
