import type { Tx } from '../platform/postgres.ts';
import { sessionRevoked } from '../session/authenticate.ts';
import { isSessionLiving } from '../session/store.ts';
import type { Principal } from '../token/principal.ts';

/**
 * A session that was ended a moment ago does not strike back while a replica still believes its
 * token. The caller holds the account's lock. @throws SESSION_REVOKED
 */
export async function requireLivingSession(tx: Tx, principal: Principal): Promise<void> {
  if (!(await isSessionLiving(tx, principal.sessionId))) throw sessionRevoked();
}
