import type { DomainError } from '../errors.ts';
import { rateLimited } from '../limits/limiter.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Bearer } from '../token/principal.ts';
import { newBackupCodes, shownBackupCode } from '../two-factor/backup-code.ts';
import type { BackupCode } from '../two-factor/backup-code.ts';
import { hashBackupCodes } from '../two-factor/backup-hash.ts';
import type { HashedCode } from '../two-factor/backup-hash.ts';
import {
  enableFactor,
  factorAlreadyEnabled,
  matchPending,
  setupMissing,
} from '../two-factor/change.ts';
import type { ProvenSecret } from '../two-factor/change.ts';
import { giveTryBack } from '../two-factor/prove.ts';
import { lockForChange, screenJunior } from './authorize.ts';
import type { ChangeDeps } from './authorize.ts';
import { tellOfChange } from './tell.ts';

/**
 * Turns the factor on for whoever has the secret in an app, and answers the backup codes. Sessions
 * that are open stay.
 * @throws STEP_UP_REQUIRED, TWO_FACTOR_CODE_WRONG, TWO_FACTOR_LOCKED, TWO_FACTOR_SETUP_MISSING,
 *   TWO_FACTOR_ALREADY_ENABLED, OVERLOADED
 */
export async function enable(deps: ChangeDeps, bearer: Bearer, code: string): Promise<string[]> {
  await screenJunior(deps, bearer);
  const { accountId } = bearer.principal;
  const match = await matchPending(deps, { accountId, code, origin: bearer.origin });
  if (match.status === 'refused') throw match.error;
  const { proven } = match;
  const fresh = newBackupCodes(deps.random);
  const codes = await hashProven(deps, accountId, fresh);
  const refusal = await deps.db.tx((tx) => turnOn(deps, tx, { ...bearer, proven, codes }));
  if (refusal) throw refusal;
  return fresh.map(shownBackupCode);
}

/**
 * Before the transaction: ten hashes take half a second. Who proved the factor and is turned away
 * by a limit or by the queue keeps the try. @throws RATE_LIMITED, OVERLOADED
 */
export async function hashProven(
  deps: ChangeDeps,
  accountId: string,
  codes: readonly BackupCode[],
): Promise<HashedCode[]> {
  try {
    await takeSet(deps, accountId);
    return await hashBackupCodes(deps, accountId, codes);
  } catch (error) {
    await giveTryBack(deps, accountId);
    throw error;
  }
}

async function takeSet(deps: ChangeDeps, accountId: string): Promise<void> {
  const policy = deps.policies.backupSetsPerAccount;
  const take = { policy, key: accountId, member: deps.random.uuid() };
  const taken = await deps.limiter.take([take]);
  if (taken.status === 'refused') throw rateLimited(policy, taken.retryDelayMs);
}

async function turnOn(
  deps: ChangeDeps,
  tx: Tx,
  { proven, codes, ...bearer }: Bearer & { proven: ProvenSecret; codes: readonly HashedCode[] },
): Promise<DomainError | undefined> {
  const account = await lockForChange(deps, tx, bearer);
  if (account.hasSecondFactor) return factorAlreadyEnabled();
  const factor = { ...proven, codes, secretId: deps.random.uuid() };
  if (!(await enableFactor(tx, account.id, factor))) return setupMissing();
  await tellOfChange(deps, tx, { ...bearer, change: 'enabled' });
  return undefined;
}
