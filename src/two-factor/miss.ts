import { appendAudit } from '../audit/append.ts';
import type { Origin } from '../audit/append.ts';
import { DomainError } from '../errors.ts';
import { appendEvent } from '../outbox/append.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import type { MissBounds } from './store.ts';
import { updateRefusing } from './store.ts';

export interface MissDeps {
  readonly db: Database;
  readonly random: Random;
  readonly config: MissBounds;
}

/** Somebody who tried to prove a factor. */
export interface Prover {
  readonly accountId: string;
  readonly origin: Origin;
}

/** Records a code that was compared and is wrong, and tells the owner if it was one too many. */
export async function recordMiss(deps: MissDeps, prover: Prover, method: string): Promise<void> {
  const { accountId, origin } = prover;
  await deps.db.tx(async (tx) => {
    await appendAudit(tx, {
      type: 'two_factor.code_wrong',
      actor: 'anonymous',
      origin,
      accountId,
      refusal: 'TWO_FACTOR_CODE_WRONG',
      details: { method },
    });
    await startRefusing(deps, tx, prover);
  });
}

/** After too many misses in a row, tells the owner once that authenticator codes are refused. */
export async function startRefusing(deps: MissDeps, tx: Tx, prover: Prover): Promise<void> {
  const { accountId, origin } = prover;
  if (!(await updateRefusing(tx, accountId, deps.config.twoFactorRefusingMisses))) return;
  await appendAudit(tx, { type: 'two_factor.refusing', actor: 'system', origin, accountId });
  await appendEvent(tx, {
    kind: 'security',
    id: deps.random.uuid(),
    accountId,
    event: 'TWO_FACTOR_REFUSING',
    deviceId: '',
    attributes: { ipPrefix: origin.ipPrefix },
  });
}

export function factorLocked(lockedMs: number): DomainError {
  const message = 'There were too many wrong codes. Please try again later.';
  // A lock that ended in this moment is no reason to wait for long.
  const retryDelayMs = Math.max(1_000, Math.ceil(lockedMs));
  return new DomainError('TWO_FACTOR_LOCKED', message, { retryDelayMs });
}

export function factorNotEnabled(): DomainError {
  return new DomainError('TWO_FACTOR_NOT_ENABLED', 'Two-factor authentication is off.');
}

export function factorRefusing(): DomainError {
  const message =
    'Authenticator codes are refused after too many wrong ones. Please use a backup code.';
  return new DomainError('TWO_FACTOR_REFUSING', message);
}
