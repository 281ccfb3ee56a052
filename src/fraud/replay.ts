import { judgeBy } from './judge.ts';
import type { JudgeRules } from './judge.ts';
import type { RecordedSend } from './store-record.ts';

export interface ReplayRules extends JudgeRules {
  /** Countries that codes are sent to; empty = all. */
  readonly countries: readonly string[];
}

/** Sends that were decided differently, or the same way, summed up. */
export interface Tally {
  sends: number;
  /** Refused then, for what the rules decide. */
  refusedThen: number;
  /** Refused by the rules that are tried. */
  refusedNow: number;
  /** Of those, codes that somebody entered: people who would have been turned away. */
  refusedVerified: number;
  /** Refused then, passed now; whether somebody would have entered the code is not known. */
  passedAnew: number;
  /** Millionths of the currency that was spent and would not have been. */
  saved: number;
  /** Millionths of the currency that was not spent and would have been. */
  added: number;
}

export interface Replay {
  readonly total: Tally;
  readonly byReason: ReadonlyMap<string, Tally>;
  readonly byCountry: ReadonlyMap<string, Tally>;
  readonly byPrefix: ReadonlyMap<string, Tally>;
}

/**
 * What other thresholds would have done to recorded sends, in the order of their times. What was
 * refused then and passes now is taken as never entered. Who had a standing was asked only about
 * sends that needed it, so it is assumed: an entered login is an existing account's, and no address
 * is known. That overstates how many people a blocked prefix would have turned away.
 */
export function replay(sends: Iterable<RecordedSend>, rules: ReplayRules): Replay {
  const judge = judgeBy(rules);
  const total = newTally();
  const [byReason, byCountry, byPrefix] = [tallies(), tallies(), tallies()];
  for (const send of sends) {
    const now = refusalNow(send, rules, judge);
    add(total, send, now);
    add(entryOf(byCountry, send.country), send, now);
    add(entryOf(byPrefix, send.prefix), send, now);
    if (now !== undefined) add(entryOf(byReason, now), send, now);
  }
  return { total, byReason, byCountry, byPrefix };
}

/** Kinds of number are no threshold: they stay refused. */
function refusalNow(
  send: RecordedSend,
  rules: ReplayRules,
  judge: ReturnType<typeof judgeBy>,
): string | undefined {
  if (send.reason === 'number_kind') return send.reason;
  if (rules.countries.length > 0 && !rules.countries.includes(send.country))
    return 'number_country';
  const isLogin = send.purpose !== 'register' && send.verifiedAtMs !== undefined;
  return judge({ ...send, isTrusted: false, hasReserve: isLogin });
}

function add(tally: Tally, send: RecordedSend, now: string | undefined): void {
  const wasRefused = send.decision === 'refused';
  tally.sends += 1;
  if (wasRefused) tally.refusedThen += 1;
  if (now !== undefined) tally.refusedNow += 1;
  if (now !== undefined && send.verifiedAtMs !== undefined) tally.refusedVerified += 1;
  if (now !== undefined && !wasRefused) tally.saved += send.price;
  if (now === undefined && wasRefused) {
    tally.passedAnew += 1;
    tally.added += send.price;
  }
}

function newTally(): Tally {
  return {
    sends: 0,
    refusedThen: 0,
    refusedNow: 0,
    refusedVerified: 0,
    passedAnew: 0,
    saved: 0,
    added: 0,
  };
}

function tallies(): Map<string, Tally> {
  return new Map<string, Tally>();
}

function entryOf(map: Map<string, Tally>, key: string): Tally {
  const known = map.get(key);
  if (known) return known;
  const made = newTally();
  map.set(key, made);
  return made;
}
