import { appendAudit } from '../audit/append.ts';
import { lockAccountById } from '../entry/store.ts';
import { DomainError } from '../errors.ts';
import { eraseEndedKeys } from '../keys/store.ts';
import type { Database } from '../platform/postgres.ts';
import { announceRevoked, revokeOwnSessions } from '../session/revoke.ts';
import type { AnnounceDeps, RevokeDeps } from '../session/revoke.ts';
import type { RevokeReason } from '../session/store-revocation.ts';
import type { RevokedSession, RevokeTarget } from '../session/store-revocation.ts';
import type { Bearer } from '../token/principal.ts';
import { requireLivingSession } from './living-session.ts';

export type EndSessionDeps = AnnounceDeps & RevokeDeps & { readonly db: Database };

/** Ids that the deployed app sends along with a logout. */
export interface LogoutHints {
  readonly userId: string;
  readonly deviceId: string;
}

/**
 * Ends the bearer's session and only that. Ids in the body that differ from the token's are not
 * acted on, only recorded: they may be an attempt to log somebody else out. Twice is no error.
 */
export async function logOut(
  deps: EndSessionDeps,
  bearer: Bearer,
  hints: LogoutHints,
): Promise<void> {
  const { principal } = bearer;
  const target = { accountId: principal.accountId, onlyId: principal.sessionId };
  const isMismatch =
    differs(hints.userId, principal.accountId) || differs(hints.deviceId, principal.deviceId);
  await end(deps, bearer, { target, reason: 'logout', isMismatch });
}

/** @throws SESSION_NOT_FOUND (also for somebody else's), STEP_UP_REQUIRED */
export async function revokeSession(
  deps: EndSessionDeps,
  bearer: Bearer,
  sessionId: string,
): Promise<void> {
  const target = { accountId: bearer.principal.accountId, onlyId: sessionId.toLowerCase() };
  const ended = await end(deps, bearer, { target, reason: 'revoked' });
  if (ended.length === 0) {
    throw new DomainError('SESSION_NOT_FOUND', 'There is no such session.');
  }
}

/** Ends every session but the bearer's; says how many. @throws STEP_UP_REQUIRED */
export async function revokeOtherSessions(deps: EndSessionDeps, bearer: Bearer): Promise<number> {
  const { accountId, sessionId } = bearer.principal;
  const target = { accountId, exceptId: sessionId };
  return (await end(deps, bearer, { target, reason: 'revoked' })).length;
}

/** Ends every session, the bearer's too; says how many. @throws STEP_UP_REQUIRED */
export async function revokeAllSessions(deps: EndSessionDeps, bearer: Bearer): Promise<number> {
  const target = { accountId: bearer.principal.accountId };
  return (await end(deps, bearer, { target, reason: 'revoked' })).length;
}

interface End {
  readonly target: RevokeTarget;
  readonly reason: RevokeReason;
  readonly isMismatch?: boolean;
}

/**
 * Sessions, keys of devices that have none left, and audit rows in one transaction; then the word goes
 * out. Under the account's lock: a sign-in on the same device comes before or after, and keeps its
 * keys. Only logging out may come from a session that has just ended.
 */
async function end(deps: EndSessionDeps, bearer: Bearer, act: End): Promise<RevokedSession[]> {
  const { principal, origin } = bearer;
  const ended = await deps.db.tx(async (tx) => {
    await lockAccountById(tx, principal.accountId);
    if (act.reason !== 'logout') await requireLivingSession(tx, principal);
    const revoked = await revokeOwnSessions(deps, tx, { ...bearer, ...act });
    const deviceIds = [...new Set(revoked.map(({ deviceId }) => deviceId))];
    await eraseEndedKeys(tx, principal.accountId, deviceIds);
    if (act.isMismatch) {
      const { accountId, deviceId, sessionId } = principal;
      const about = { origin, accountId, deviceId, sessionId };
      await appendAudit(tx, { ...about, type: 'session.logout.mismatch', actor: 'account' });
    }
    return revoked;
  });
  await announceRevoked(
    deps,
    ended.map(({ sessionId }) => sessionId),
  );
  return ended;
}

function differs(sent: string, own: string): boolean {
  return sent !== '' && sent.toLowerCase() !== own;
}
