import { endRecovery } from '../entry/end-recovery.ts';
import { lockAccountById } from '../entry/store.ts';
import { eraseEndedKeys } from '../keys/store.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import { sessionRevoked } from '../session/authenticate.ts';
import { announceRevoked } from '../session/revoke.ts';
import type { AnnounceDeps } from '../session/revoke.ts';
import { requireSeniority } from '../session/seniority.ts';
import type { SeniorityDeps } from '../session/seniority.ts';
import { revokeSessions } from '../session/store-revocation.ts';
import type { RevokedSession } from '../session/store-revocation.ts';
import type { Bearer } from '../token/principal.ts';
import { setLockdown } from './store-lockdown.ts';
import type { LockedBy } from './store-lockdown.ts';
import { tell } from './tell.ts';
import type { Act, TellDeps } from './tell.ts';

export type BeginLockdownDeps = TellDeps & {
  readonly db: Database;
  readonly config: { readonly accessTokenTtlSeconds: number };
};

export type LockDownDeps = BeginLockdownDeps & AnnounceDeps & SeniorityDeps;

/** Ends every session and refuses sign-in; says how many ended. @throws STEP_UP_REQUIRED */
export async function lockDownAccount(
  deps: LockDownDeps,
  { principal, origin }: Bearer,
): Promise<number> {
  const { accountId } = principal;
  const ended = await deps.db.tx(async (tx) => {
    const account = await lockAccountById(tx, accountId);
    if (!account || account.lockedDownBy) throw sessionRevoked();
    await requireSeniority(deps, tx, principal);
    const act = { accountId, actor: 'account', origin, principal, by: 'owner' } as const;
    return beginLockdown(deps, tx, act);
  });
  await announceRevoked(
    deps,
    ended.map(({ sessionId }) => sessionId),
  );
  return ended.length;
}

/**
 * The lockdown itself; the caller holds the account's lock, so that no session opens beside it. Keys
 * of devices without a session go, as they always do. A running recovery ends too: nobody is left
 * who could cancel it, and whoever has the number would only have to wait.
 */
export async function beginLockdown(
  deps: BeginLockdownDeps,
  tx: Tx,
  act: Act & { readonly by: LockedBy },
): Promise<RevokedSession[]> {
  const { accountId, by } = act;
  const ended = await revokeSessions(tx, {
    target: { accountId },
    reason: by === 'owner' ? 'lockdown' : 'operator',
    tokenSeconds: deps.config.accessTokenTtlSeconds,
  });
  const deviceIds = [...new Set(ended.map(({ deviceId }) => deviceId))];
  await eraseEndedKeys(tx, accountId, deviceIds);
  await setLockdown(tx, accountId, by);
  const details = { by, sessions: ended.length, state: 'begun' };
  await tell(deps, tx, { ...act, type: 'account.locked_down', event: 'LOCKDOWN', details });
  const { actor, origin, principal } = act;
  const who = principal && { deviceId: principal.deviceId, sessionId: principal.sessionId };
  await endRecovery(deps, tx, { accountId, actor, origin, ...who, outcome: 'locked_down' });
  return ended;
}
