import { appendAudit } from '../audit/append.ts';
import type { AuditEvent } from '../audit/append.ts';
import { DomainError } from '../errors.ts';
import { lockAccountById } from '../entry/store.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import { sessionRevoked } from '../session/authenticate.ts';
import { stepUp } from '../session/seniority.ts';
import type { SeniorityDeps } from '../session/seniority.ts';
import { selectMayLift } from '../session/store-seniority.ts';
import type { Bearer } from '../token/principal.ts';
import { claimFactor, endRefusal, factorCodeWrong, matchFactor } from '../two-factor/prove.ts';
import type { FactorKind, MatchedFactor, MatchDeps } from '../two-factor/prove.ts';
import { codeMissing } from './challenge.ts';

export type StepUpDeps = MatchDeps & SeniorityDeps & { readonly db: Database };

type SteppedUp =
  | { readonly status: 'refused'; readonly error: DomainError }
  | { readonly status: 'stepped_up'; readonly endsAt: Date };

/**
 * Proves the second factor again for the bearer's session; says until when it may do what older
 * sessions may.
 * @throws TWO_FACTOR_CODE_WRONG, TWO_FACTOR_LOCKED, TWO_FACTOR_REFUSING, TWO_FACTOR_NOT_ENABLED,
 *   VALIDATION_FAILED, SESSION_REVOKED, OVERLOADED, STORE_UNAVAILABLE
 */
export async function stepUpByFactor(
  deps: StepUpDeps,
  bearer: Bearer,
  proof: { readonly code: string; readonly kinds: readonly FactorKind[] },
): Promise<Date> {
  const { accountId } = bearer.principal;
  if (proof.code === '') throw codeMissing();
  const match = await matchFactor(deps, { ...proof, accountId, origin: bearer.origin });
  if (match.status === 'refused') throw match.error;
  const { factor } = match;
  return settled(await deps.db.tx((tx) => useFactor(deps, tx, { ...bearer, factor })));
}

async function useFactor(
  deps: StepUpDeps,
  tx: Tx,
  proven: Bearer & { readonly factor: MatchedFactor },
): Promise<SteppedUp> {
  const { principal, factor } = proven;
  await lockAccountById(tx, principal.accountId);
  const event = { ...eventOf(proven), details: { method: factor.kind } };
  if (!(await claimFactor(tx, principal.accountId, factor))) {
    return refused(tx, factorCodeWrong(), event);
  }
  const endsAt = await stepUp(deps, tx, principal.sessionId);
  if (!endsAt) throw sessionRevoked();
  await appendAudit(tx, event);
  return { status: 'stepped_up', endsAt };
}

/**
 * Lifts a younger session of the account above its age, from an older one, and ends a refusal of
 * authenticator codes. Says until when it is lifted.
 * @throws SESSION_NOT_FOUND (also for somebody else's), STEP_UP_NOT_ALLOWED
 */
export async function approveStepUp(
  deps: StepUpDeps,
  bearer: Bearer,
  sessionId: string,
): Promise<Date> {
  return settled(await deps.db.tx((tx) => lift(deps, tx, { ...bearer, sessionId })));
}

async function lift(
  deps: StepUpDeps,
  tx: Tx,
  approval: Bearer & { readonly sessionId: string },
): Promise<SteppedUp> {
  const { principal, sessionId: juniorId } = approval;
  const { accountId, sessionId: seniorId } = principal;
  await lockAccountById(tx, accountId);
  const mayLift = await selectMayLift(tx, { accountId, seniorId, juniorId }, deps.config);
  if (mayLift === undefined) throw sessionNotFound();
  const details = { method: 'approval', session: juniorId };
  const event = { ...eventOf(approval), details };
  if (!mayLift) return refused(tx, notAllowed(), event);
  const endsAt = await stepUp(deps, tx, juniorId);
  if (!endsAt) throw sessionNotFound();
  await endRefusal(tx, accountId);
  await appendAudit(tx, event);
  return { status: 'stepped_up', endsAt };
}

function eventOf({ principal, origin }: Bearer) {
  const { accountId, deviceId, sessionId } = principal;
  const about = { origin, accountId, deviceId, sessionId };
  return { ...about, type: 'session.step_up', actor: 'account' } as const;
}

async function refused(tx: Tx, error: DomainError, event: AuditEvent): Promise<SteppedUp> {
  await appendAudit(tx, { ...event, refusal: error.reason });
  return { status: 'refused', error };
}

/** After COMMIT, so that a refusal keeps its audit row. */
function settled(outcome: SteppedUp): Date {
  if (outcome.status === 'refused') throw outcome.error;
  return outcome.endsAt;
}

function sessionNotFound(): DomainError {
  return new DomainError('SESSION_NOT_FOUND', 'There is no such session.');
}

function notAllowed(): DomainError {
  const message = 'Only an older session can confirm a newer one.';
  return new DomainError('STEP_UP_NOT_ALLOWED', message);
}
