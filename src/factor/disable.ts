import { endRecovery } from '../entry/end-recovery.ts';
import type { Bearer } from '../token/principal.ts';
import { disableFactor } from '../two-factor/prove.ts';
import { changeFor, proveFactor } from './authorize.ts';
import type { ChangeDeps } from './authorize.ts';
import { tellOfChange } from './tell.ts';

/**
 * Turns the factor off for a present code or a backup code, and erases its secret and codes. A running
 * recovery ends: the factor that it would turn off is not lost.
 * @throws STEP_UP_REQUIRED, TWO_FACTOR_CODE_WRONG, TWO_FACTOR_LOCKED, TWO_FACTOR_REFUSING,
 *   TWO_FACTOR_NOT_ENABLED, OVERLOADED
 */
export async function disable(deps: ChangeDeps, bearer: Bearer, code: string): Promise<void> {
  const { accountId, deviceId, sessionId } = bearer.principal;
  const factor = await proveFactor(deps, bearer, code);
  await changeFor(deps, { ...bearer, factor }, async (tx) => {
    await disableFactor(tx, accountId);
    await tellOfChange(deps, tx, { ...bearer, change: 'disabled' });
    const end = {
      actor: 'account',
      origin: bearer.origin,
      accountId,
      deviceId,
      sessionId,
    } as const;
    await endRecovery(deps, tx, { ...end, outcome: 'factor_changed' });
  });
}
