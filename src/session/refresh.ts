import { appendAudit } from '../audit/append.ts';
import type { Origin } from '../audit/append.ts';
import { DomainError } from '../errors.ts';
import { rateLimited } from '../limits/limiter.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { LimitPolicies } from '../limits/policy.ts';
import { appendEvent } from '../outbox/append.ts';
import type { SecurityEventKind } from '../outbox/event.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import type { TokenDeps } from '../token/access-token.ts';
import { checkRefreshToken } from '../token/refresh-token.ts';
import type { RefreshGrant, RefreshTokenCheck } from '../token/refresh-token.ts';
import { sessionRevoked } from './authenticate.ts';
import { mintTokens } from './open.ts';
import type { TokenPair } from './open.ts';
import { announceRevoked } from './revoke.ts';
import type { AnnounceDeps } from './revoke.ts';
import type { SessionRow, StaleSessionRow } from './store.ts';
import { lockStaleSession, recordLateRefresh, rotateSession } from './store.ts';
import { revokeSessions } from './store-revocation.ts';

export type RefreshDeps = TokenDeps &
  AnnounceDeps & {
    readonly db: Database;
    readonly limiter: Limiter;
    readonly policies: LimitPolicies;
    readonly config: {
      readonly sessionIdleSeconds: number;
      readonly refreshGraceSeconds: number;
      readonly refreshLateSeconds: number;
      readonly refreshLateMax: number;
    };
  };

/** What becomes of a token that is not the session's newest. */
type StaleOutcome =
  | { readonly status: 'converged'; readonly session: SessionRow }
  | { readonly status: 'revoked' | 'expired' | 'reused' };

interface Presented {
  readonly grant: RefreshGrant;
  readonly origin: Origin;
}

/**
 * The session's next token pair: one UPDATE on the hot path. Callers that present the same token
 * together all get the one successor, so two tabs or a lost answer log nobody out.
 * @throws TOKEN_INVALID, TOKEN_EXPIRED, SESSION_REVOKED, REFRESH_REUSED, RATE_LIMITED,
 *   STORE_UNAVAILABLE
 */
export async function refresh(
  deps: RefreshDeps,
  token: string,
  origin: Origin,
): Promise<TokenPair> {
  const grant = await grantOf(deps, token);
  const rotated = await rotateSession(deps.db, {
    id: grant.sessionId,
    counter: grant.counter,
    idleSeconds: deps.config.sessionIdleSeconds,
    ipPrefix: origin.ipPrefix,
  });
  return mintTokens(deps, rotated ?? (await converge(deps, { grant, origin })));
}

async function grantOf(deps: RefreshDeps, token: string): Promise<RefreshGrant> {
  let check = checkRefreshToken(deps, token);
  if (check.status === 'unknown_key') {
    await deps.keyRing.refetch();
    check = checkRefreshToken(deps, token);
  }
  return validGrant(check);
}

function validGrant(check: RefreshTokenCheck): RefreshGrant {
  if (check.status === 'valid') return check.grant;
  if (check.status === 'expired') throw sessionExpired();
  throw new DomainError('TOKEN_INVALID', 'Please sign in again.');
}

async function converge(deps: RefreshDeps, presented: Presented): Promise<SessionRow> {
  const { sessionId } = presented.grant;
  const member = deps.random.uuid();
  const policy = deps.policies.predecessorsPerSession;
  const taken = await deps.limiter.take([{ policy, key: sessionId, member }]);
  if (taken.status === 'refused') throw rateLimited(policy, taken.retryDelayMs);
  const outcome = await deps.db.tx((tx) => settleStale(deps, tx, presented));
  switch (outcome.status) {
    case 'converged':
      return outcome.session;
    case 'expired':
      throw sessionExpired();
    case 'revoked':
      throw sessionRevoked();
    case 'reused':
      await announceRevoked(deps, [sessionId]);
      throw new DomainError('REFRESH_REUSED', 'You have been signed out. Please sign in again.');
    default:
      return outcome satisfies never;
  }
}

/** Decides under the session's lock, so that parallel callers with old tokens are judged in turn. */
async function settleStale(deps: RefreshDeps, tx: Tx, presented: Presented): Promise<StaleOutcome> {
  const { grant } = presented;
  const session = await lockStaleSession(tx, grant.sessionId);
  if (!session || session.isRevoked) return { status: 'revoked' };
  if (session.isExpired) return { status: 'expired' };
  switch (generationOf(deps, session, grant.counter)) {
    case 'repeated':
      return { status: 'converged', session };
    case 'late':
      await recordLateRefresh(tx, session.id);
      await tell(deps, tx, { ...presented, session, event: 'REFRESH_LATE' });
      return { status: 'converged', session };
    case 'reused':
      await endReused(deps, tx, { ...presented, session });
      return { status: 'reused' };
  }
}

/** `repeated`: within the grace of the rotation, or of an answer to a late predecessor. */
function generationOf(
  { config }: RefreshDeps,
  session: StaleSessionRow,
  counter: number,
): 'repeated' | 'late' | 'reused' {
  const { secondsSinceRotation, secondsSinceLate, lateCount } = session;
  if (counter < session.refreshCounter - 1) return 'reused';
  if (counter >= session.refreshCounter) return 'repeated';
  const sinceAnswer = Math.min(secondsSinceRotation, secondsSinceLate ?? Infinity);
  if (sinceAnswer <= config.refreshGraceSeconds) return 'repeated';
  const mayBeLate = lateCount < config.refreshLateMax;
  return mayBeLate && secondsSinceRotation <= config.refreshLateSeconds ? 'late' : 'reused';
}

async function endReused(
  deps: RefreshDeps,
  tx: Tx,
  stale: Presented & { session: SessionRow },
): Promise<void> {
  const { session } = stale;
  await revokeSessions(tx, {
    target: { accountId: session.accountId, onlyId: session.id },
    reason: 'refresh_reused',
    tokenSeconds: deps.config.accessTokenTtlSeconds,
  });
  await tell(deps, tx, { ...stale, event: 'REFRESH_REUSED' });
}

/** An audit row, and a word to the account's devices. */
async function tell(
  deps: RefreshDeps,
  tx: Tx,
  about: Presented & { session: SessionRow; event: SecurityEventKind },
): Promise<void> {
  const { session, event, origin, grant } = about;
  const { accountId, deviceId } = session;
  await appendAudit(tx, {
    type: event === 'REFRESH_LATE' ? 'session.refresh.late' : 'session.refresh.reuse_detected',
    actor: 'account',
    origin,
    accountId,
    deviceId,
    sessionId: session.id,
    details: { presented: grant.counter, newest: session.refreshCounter },
  });
  const attributes = { ipPrefix: origin.ipPrefix };
  const id = deps.random.uuid();
  await appendEvent(tx, { kind: 'security', id, accountId, event, deviceId, attributes });
}

function sessionExpired(): DomainError {
  return new DomainError('TOKEN_EXPIRED', 'Your session has ended. Please sign in again.');
}
