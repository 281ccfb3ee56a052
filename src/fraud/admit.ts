import { appendAudit } from '../audit/append.ts';
import type { Origin } from '../audit/append.ts';
import { rateLimited } from '../limits/limiter.ts';
import type { Database } from '../platform/postgres.ts';
import type { FraudMeter } from './meter.ts';
import type { FraudPolicy } from './policy.ts';
import { insertRefused, takeSpend } from './store.ts';
import type { GuardedSend, Spend, Standing } from './store.ts';

export interface GuardDeps {
  readonly db: Database;
  readonly fraudPolicy: FraudPolicy;
  readonly fraudMeter: FraudMeter;
}

/** What the accounts know of a send, as far as the guard asks. */
export interface Acquaintance {
  /** The number has an account, and this is a way into it rather than to a new one. */
  readonly isOwnAccount: boolean;
  /** The address signed in to that account before. */
  readonly isKnownAddress: boolean;
}

const NO_STANDING: Standing = { isTrusted: false, hasReserve: false };

/**
 * Lets a send pass, or refuses it as any limit does. The accounts are asked only about a send that is
 * refused otherwise: within the limits known and unknown numbers cost the same work.
 * @throws RATE_LIMITED
 */
export async function admitSend(
  deps: GuardDeps,
  send: GuardedSend,
  from: { origin: Origin; acquaintance: () => Promise<Acquaintance> },
): Promise<void> {
  let spend = await take(deps, send, { standing: NO_STANDING, isForced: false });
  if (spend.refusal !== null) {
    const standing = standingOf(deps.fraudPolicy, await from.acquaintance());
    const isForced = deps.fraudPolicy.mode === 'record';
    spend = await take(deps, send, { standing, isForced });
  }
  const { country } = send;
  if (spend.refusal === null) {
    deps.fraudMeter.decided({ decision: 'sent', reason: '', country });
  } else if (deps.fraudPolicy.mode === 'record') {
    deps.fraudMeter.decided({ decision: 'flagged', reason: spend.refusal, country });
  } else {
    await recordRefusal(deps, { send, origin: from.origin, reason: spend.refusal });
    throw rateLimited(PUBLIC_NAMES[spend.refusal], (spend.waitSeconds ?? 1) * 1000);
  }
}

/** Keeps a refusal with its reason: one row for the replay, one in the audit log, one in the metric. */
export async function recordRefusal(
  deps: GuardDeps,
  refused: { send: GuardedSend; origin: Origin; reason: string },
): Promise<void> {
  const { send, origin, reason } = refused;
  const { country, prefix, purpose } = send;
  const isLimit = reason in PUBLIC_NAMES;
  await deps.db.tx(async (tx) => {
    await insertRefused(tx, { send, price: deps.fraudPolicy.priceOf(country), reason });
    await appendAudit(tx, {
      type: 'verification.refused',
      actor: 'anonymous',
      origin,
      refusal: isLimit ? 'RATE_LIMITED' : 'NUMBER_REFUSED',
      details: { reason, country, prefix, purpose },
    });
  });
  deps.fraudMeter.decided({ decision: 'refused', reason, country });
}

/** Callers learn which kind of limit it was, not how near its end it is. */
const PUBLIC_NAMES = {
  prefix: 'sends_per_prefix',
  country_reserve: 'sends_per_country',
  country_day: 'sends_per_country',
  country_hour: 'sends_per_country',
} as const satisfies Record<NonNullable<Spend['refusal']>, string>;

function take(
  deps: GuardDeps,
  send: GuardedSend,
  options: { standing: Standing; isForced: boolean },
): Promise<Spend> {
  const { thresholds, priceOf, spendPerDay } = deps.fraudPolicy;
  const limits = { ...thresholds, spendPerDay: spendPerDay(send.country) };
  return takeSpend(deps.db, { send, ...options, price: priceOf(send.country), limits });
}

function standingOf({ reserveFor }: FraudPolicy, known: Acquaintance): Standing {
  const { isOwnAccount, isKnownAddress } = known;
  const mayUseReserve = reserveFor === 'accounts' || isKnownAddress;
  return { isTrusted: isKnownAddress, hasReserve: isOwnAccount && mayUseReserve };
}
