import { appendAudit } from '../audit/append.ts';
import type { Origin } from '../audit/append.ts';
import { DomainError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';
import { readBackupCode } from './backup-code.ts';
import { isStoredCode } from './backup-hash.ts';
import type { HashDeps } from './backup-hash.ts';
import {
  factorLocked,
  factorNotEnabled,
  factorRefusing,
  recordMiss,
  startRefusing,
} from './miss.ts';
import type { MissDeps, Prover } from './miss.ts';
import { openSecret } from './secret.ts';
import type { SecretDeps } from './secret.ts';
import {
  countTry,
  resetMisses,
  selectSecret,
  selectState,
  uncountTry,
  updateStep,
} from './store.ts';
import {
  countUnused,
  deleteBackupCodes,
  selectBackupCode,
  updateUsed,
} from './store-backup-code.ts';
import { deleteState, updateAccountFactor } from './store-change.ts';
import { matchingStep, readTotpCode } from './totp.ts';

export type MatchDeps = MissDeps &
  HashDeps &
  SecretDeps & {
    readonly clock: Clock;
    readonly config: { readonly twoFactorPendingSeconds: number };
  };

export type FactorKind = 'totp' | 'backup_code';

/** A right code that is not used up yet. */
export type MatchedFactor =
  | { readonly kind: 'totp'; readonly secretId: string; readonly step: number }
  | {
      readonly kind: 'backup_code';
      readonly slot: number;
      readonly codeHash: string;
      readonly origin: Origin;
    };

export type FactorMatch =
  | { readonly status: 'matched'; readonly factor: MatchedFactor }
  | { readonly status: 'refused'; readonly error: DomainError };

export interface Proof extends Prover {
  readonly code: string;
  /** What may be given; of both, six digits are an authenticator code. */
  readonly kinds: readonly FactorKind[];
}

/**
 * Counts the try in one committed statement and then compares, outside of any transaction. A right
 * code counts as a miss until `claimFactor` uses it up.
 */
export async function matchFactor(deps: MatchDeps, proof: Proof): Promise<FactorMatch> {
  const { accountId, code, kinds } = proof;
  const kind = kindOf(code, kinds);
  const attempt = { accountId, isTotp: kind === 'totp' };
  if (!(await countTry(deps.db, attempt, deps.config))) {
    return { status: 'refused', error: await reasonOfRefusal(deps, proof, kind) };
  }
  try {
    const factor = await (kind === 'totp' ? matchTotp(deps, proof) : matchBackupCode(deps, proof));
    if (factor) return { status: 'matched', factor };
  } catch (error) {
    // Whoever is turned away by a flood of others did not guess.
    await uncountTry(deps.db, accountId);
    if (!(error instanceof DomainError)) throw error;
    return { status: 'refused', error };
  }
  await recordMiss(deps, proof, kind);
  return { status: 'refused', error: factorCodeWrong() };
}

/**
 * Uses the factor up inside the transaction of what it pays for: true for exactly one caller, ever.
 * Ends locks and refusal. False = somebody else was first: answer `factorCodeWrong()`.
 */
export async function claimFactor(
  tx: Tx,
  accountId: string,
  factor: MatchedFactor,
): Promise<boolean> {
  if (factor.kind === 'totp') return updateStep(tx, accountId, factor);
  if (!(await updateUsed(tx, accountId, factor))) return false;
  await resetMisses(tx, accountId);
  // A restored database would take the code again: the exported journal names it.
  const { slot, origin } = factor;
  const event = { type: 'two_factor.backup_code_used', actor: 'account' } as const;
  await appendAudit(tx, { ...event, origin, accountId, details: { slot } });
  return true;
}

/** Forgets the misses in a row: authenticator codes are taken again. */
export async function endRefusal(tx: Tx, accountId: string): Promise<void> {
  await resetMisses(tx, accountId);
}

/** Gives a try back whose right code is not going to be claimed. */
export async function giveTryBack(deps: MatchDeps, accountId: string): Promise<void> {
  await uncountTry(deps.db, accountId);
}

/** Turns the factor off and erases its secret and backup codes; the caller holds the account's lock. */
export async function disableFactor(tx: Tx, accountId: string): Promise<void> {
  await updateAccountFactor(tx, accountId, null);
  await deleteState(tx, accountId);
  await deleteBackupCodes(tx, accountId);
}

/** How many backup codes are left. */
export async function countBackupCodes(db: Queryable, accountId: string): Promise<number> {
  return countUnused(db, accountId);
}

/** INVALID_ARGUMENT: on 401 the deployed app would refresh its token and send the same code again. */
export function factorCodeWrong(): DomainError {
  const message = 'This code is not right. Please check it and try again.';
  const violations = [{ field: 'token', description: 'is not a code that is good now' }];
  return new DomainError('TWO_FACTOR_CODE_WRONG', message, { violations });
}

function kindOf(code: string, kinds: readonly FactorKind[]): FactorKind {
  const [only, ...others] = kinds;
  if (only !== undefined && others.length === 0) return only;
  return readTotpCode(code) === undefined ? 'backup_code' : 'totp';
}

async function matchTotp(deps: MatchDeps, proof: Proof): Promise<MatchedFactor | undefined> {
  const code = readTotpCode(proof.code);
  const row = await selectSecret(deps.db, proof.accountId);
  if (!row || code === undefined) return undefined;
  const secret = await openSecret(deps, proof.accountId, row.sealed);
  const at = { nowMs: deps.clock.nowMs(), lastStep: row.lastStep };
  const step = matchingStep(secret, code, at);
  return step === undefined ? undefined : { kind: 'totp', secretId: row.secretId, step };
}

async function matchBackupCode(deps: MatchDeps, proof: Proof): Promise<MatchedFactor | undefined> {
  const { accountId } = proof;
  const code = readBackupCode(proof.code);
  // Asked for a slot also where there is no code, so that the time is the same.
  const stored = await selectBackupCode(deps.db, accountId, code?.slot ?? 0);
  if (!(await isStoredCode(deps, accountId, { code, stored })) || !stored) return undefined;
  const { slot, codeHash } = stored;
  return { kind: 'backup_code', slot, codeHash, origin: proof.origin };
}

async function reasonOfRefusal(
  deps: MatchDeps,
  prover: Prover,
  kind: FactorKind,
): Promise<DomainError> {
  const { twoFactorPendingSeconds, twoFactorRefusingMisses } = deps.config;
  const state = await selectState(deps.db, prover.accountId, twoFactorPendingSeconds);
  if (!state?.isEnabled) return factorNotEnabled();
  if (kind === 'totp' && state.misses >= twoFactorRefusingMisses) {
    if (state.isRefusing) return factorRefusing();
    // The last miss has just been counted and may yet be a right code; once its lock is over, it was none.
    if (state.lockedMs === 0) {
      await deps.db.tx((tx) => startRefusing(deps, tx, prover));
      return factorRefusing();
    }
  }
  return factorLocked(state.lockedMs);
}
