import type { Origin } from '../audit/append.ts';
import { DomainError } from '../errors.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Sealed } from '../platform/seal.ts';
import type { HashedCode } from './backup-hash.ts';
import { factorLocked, recordMiss } from './miss.ts';
import { factorCodeWrong } from './prove.ts';
import type { MatchDeps } from './prove.ts';
import { openPendingSecret, sealSecret } from './secret.ts';
import { countPendingTry, selectState } from './store.ts';
import { replaceBackupCodes } from './store-backup-code.ts';
import { updateAccountFactor, updateEnabled, upsertPending } from './store-change.ts';
import { matchingStep, readTotpCode } from './totp.ts';

/** A pending secret whose code was right, and how it will be stored. */
export interface ProvenSecret {
  readonly pending: Sealed;
  readonly sealed: Sealed;
  readonly step: number;
}

export type PendingMatch =
  | { readonly status: 'matched'; readonly proven: ProvenSecret }
  | { readonly status: 'refused'; readonly error: DomainError };

/**
 * Keeps a secret that counts for nothing until it is proven. Says whether one was waiting already.
 * @throws TWO_FACTOR_ALREADY_ENABLED
 */
export async function keepPending(
  deps: Pick<MatchDeps, 'sealer' | 'config'>,
  tx: Tx,
  fresh: { readonly accountId: string; readonly secret: string },
): Promise<{ wasPending: boolean }> {
  const { accountId, secret } = fresh;
  const sealed = sealSecret(deps, accountId, { text: secret, state: 'pending' });
  const seconds = deps.config.twoFactorPendingSeconds;
  const kept = await upsertPending(tx, accountId, { sealed, seconds });
  if (!kept) throw factorAlreadyEnabled();
  return kept;
}

/** Counts the try, then compares the code with the pending secret's, as `matchFactor` does. */
export async function matchPending(
  deps: MatchDeps,
  proof: { readonly accountId: string; readonly code: string; readonly origin: Origin },
): Promise<PendingMatch> {
  const { accountId } = proof;
  const pendingSeconds = deps.config.twoFactorPendingSeconds;
  const attempt = { accountId, pendingSeconds };
  const row = await countPendingTry(deps.db, attempt, deps.config);
  if (!row) {
    const state = await selectState(deps.db, accountId, pendingSeconds);
    if (state?.isEnabled) return { status: 'refused', error: factorAlreadyEnabled() };
    if (!state?.isPending) return { status: 'refused', error: setupMissing() };
    return { status: 'refused', error: factorLocked(state.lockedMs) };
  }
  const text = openPendingSecret(deps, accountId, row.sealed);
  const code = readTotpCode(proof.code) ?? '';
  const step = matchingStep(text, code, { nowMs: deps.clock.nowMs(), lastStep: 0 });
  if (step === undefined) {
    await recordMiss(deps, proof, 'setup');
    return { status: 'refused', error: factorCodeWrong() };
  }
  const sealed = sealSecret(deps, accountId, { text, state: 'on' });
  return { status: 'matched', proven: { pending: row.sealed, sealed, step } };
}

/**
 * Turns the factor on with its backup codes and burns the step of the code that proved it; the
 * caller holds the account's lock. False = somebody else was first, or set up anew.
 */
export async function enableFactor(
  tx: Tx,
  accountId: string,
  factor: ProvenSecret & { readonly secretId: string; readonly codes: readonly HashedCode[] },
): Promise<boolean> {
  if (!(await updateEnabled(tx, accountId, factor))) return false;
  await updateAccountFactor(tx, accountId, factor.sealed);
  await replaceBackupCodes(tx, accountId, factor.codes);
  return true;
}

export function factorAlreadyEnabled(): DomainError {
  return new DomainError('TWO_FACTOR_ALREADY_ENABLED', 'Two-factor authentication is on already.');
}

export function setupMissing(): DomainError {
  const message = 'Please start setting up two-factor authentication again.';
  return new DomainError('TWO_FACTOR_SETUP_MISSING', message);
}
