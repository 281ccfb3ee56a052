import { DomainError } from '../errors.ts';
import type { Principal } from '../token/principal.ts';
import type { Authenticator } from './authenticate.ts';

export interface ValidateDeps {
  readonly authenticator: Authenticator;
}

/** RFC 7662's meaning: a bad token is an answer, not an error. */
export type Validation =
  | { readonly status: 'active'; readonly principal: Principal }
  | { readonly status: 'inactive'; readonly reason: InactiveReason };

export type InactiveReason = 'TOKEN_INVALID' | 'TOKEN_EXPIRED' | 'SESSION_REVOKED';

/** Whether an access token is good now. Answers at once where the bearer check does. */
export function validateToken(deps: ValidateDeps, token: string): Validation | Promise<Validation> {
  try {
    const principal = deps.authenticator.authenticate(token);
    return principal instanceof Promise ? settled(principal) : { status: 'active', principal };
  } catch (error) {
    return inactive(error);
  }
}

/** Whether a ws-token is good now. */
export function validateWsToken(deps: ValidateDeps, token: string): Promise<Validation> {
  return settled(deps.authenticator.authenticateWs(token));
}

async function settled(pending: Promise<Principal>): Promise<Validation> {
  try {
    return { status: 'active', principal: await pending };
  } catch (error) {
    return inactive(error);
  }
}

/** Store trouble is no verdict about the token: it stays an error, UNAVAILABLE. */
function inactive(error: unknown): Validation {
  if (!(error instanceof DomainError)) throw error;
  const { reason } = error;
  if (reason === 'TOKEN_INVALID' || reason === 'TOKEN_EXPIRED' || reason === 'SESSION_REVOKED') {
    return { status: 'inactive', reason };
  }
  throw error;
}
