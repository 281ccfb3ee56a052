import { DomainError } from '../errors.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';
import type { Principal } from '../token/principal.ts';
import { selectHeldBack, updateSteppedUp } from './store-seniority.ts';

export interface SeniorityDeps {
  readonly config: { readonly juniorSeconds: number; readonly stepUpSeconds: number };
}

/**
 * Refuses a session that is held back: younger than 24 h while an older one of the account lives,
 * and not stepped up in the last 5 minutes. Seniority is the session's own, never the device's: ids
 * of devices are chosen by clients and can be read by others.
 * @throws STEP_UP_REQUIRED
 */
export async function requireSeniority(
  deps: SeniorityDeps,
  tx: Tx,
  principal: Principal,
): Promise<void> {
  if (await isHeldBack(deps, tx, principal.sessionId)) throw stepUpRequired();
}

/** Whether the session may not do what only older ones may; an ended one always may not. */
export async function isHeldBack(
  deps: SeniorityDeps,
  db: Queryable,
  sessionId: string,
): Promise<boolean> {
  return (await selectHeldBack(db, sessionId, deps.config)) ?? true;
}

/** Lifts a living session above its age for 5 minutes; says until when, or nothing if it ended. */
export async function stepUp(
  deps: SeniorityDeps,
  tx: Tx,
  sessionId: string,
): Promise<Date | undefined> {
  return updateSteppedUp(tx, sessionId, deps.config);
}

export function stepUpRequired(): DomainError {
  const message = 'This session is too new to do that. Confirm it from an older device first.';
  return new DomainError('STEP_UP_REQUIRED', message);
}
