import type { Bearer } from '../token/principal.ts';
import { newBackupCodes, shownBackupCode } from '../two-factor/backup-code.ts';
import { replaceBackupCodes } from '../two-factor/store-backup-code.ts';
import { changeFor, proveFactor } from './authorize.ts';
import type { ChangeDeps } from './authorize.ts';
import { hashProven } from './enable.ts';
import { tellOfChange } from './tell.ts';

/**
 * Replaces all backup codes for a present code or one of the old ones.
 * @throws STEP_UP_REQUIRED, TWO_FACTOR_CODE_WRONG, TWO_FACTOR_LOCKED, TWO_FACTOR_REFUSING,
 *   TWO_FACTOR_NOT_ENABLED, OVERLOADED
 */
export async function regenerate(
  deps: ChangeDeps,
  bearer: Bearer,
  code: string,
): Promise<string[]> {
  const { accountId } = bearer.principal;
  const factor = await proveFactor(deps, bearer, code);
  const fresh = newBackupCodes(deps.random);
  const codes = await hashProven(deps, accountId, fresh);
  await changeFor(deps, { ...bearer, factor }, async (tx) => {
    await replaceBackupCodes(tx, accountId, codes);
    await tellOfChange(deps, tx, { ...bearer, change: 'codes_replaced' });
  });
  return fresh.map(shownBackupCode);
}
