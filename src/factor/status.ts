import type { Database } from '../platform/postgres.ts';
import { factorNotEnabled } from '../two-factor/miss.ts';
import { countBackupCodes } from '../two-factor/prove.ts';
import { selectState } from '../two-factor/store.ts';

export interface StatusDeps {
  readonly db: Database;
  readonly config: {
    readonly twoFactorPendingSeconds: number;
    readonly twoFactorRefusingMisses: number;
  };
}

/** Whether the factor is on, since when, and whether authenticator codes are refused. */
export interface FactorStatus {
  readonly enabledAt: Date | undefined;
  readonly isRefusing: boolean;
}

export async function factorStatus(deps: StatusDeps, accountId: string): Promise<FactorStatus> {
  const { twoFactorPendingSeconds, twoFactorRefusingMisses } = deps.config;
  const state = await selectState(deps.db, accountId, twoFactorPendingSeconds);
  if (!state?.enabledAt) return { enabledAt: undefined, isRefusing: false };
  return { enabledAt: state.enabledAt, isRefusing: state.misses >= twoFactorRefusingMisses };
}

/** How many backup codes are left. @throws TWO_FACTOR_NOT_ENABLED */
export async function remainingCodes(deps: StatusDeps, accountId: string): Promise<number> {
  const { enabledAt } = await factorStatus(deps, accountId);
  if (!enabledAt) throw factorNotEnabled();
  return countBackupCodes(deps.db, accountId);
}
