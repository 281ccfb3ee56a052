import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { TokenUse } from '../../gen/whispr/auth/v1/session_pb.ts';
import { principalOf } from '../rpc/call.ts';
import { originOf } from '../rpc/origin.ts';
import { mintWsToken } from '../token/access-token.ts';
import { listOwnSessions } from './list.ts';
import { refresh } from './refresh.ts';
import type { RefreshDeps } from './refresh.ts';
import { validateToken, validateWsToken } from './validate.ts';
import type { ValidateDeps } from './validate.ts';
import { listRevocations, watchRevocations } from './watch.ts';
import type { WatchDeps } from './watch.ts';
import { wireRevocation, wireSession, wireTokens, wireValidation } from './wire-session.ts';

export type SessionSlice = Pick<
  ServiceImpl<typeof AuthService>,
  | 'refreshTokens'
  | 'createWsToken'
  | 'listSessions'
  | 'validateToken'
  | 'listRevocations'
  | 'watchRevocations'
>;

/** Tokens and sessions as AuthService serves them. */
export function createSessionSlice(deps: RefreshDeps & ValidateDeps & WatchDeps): SessionSlice {
  return {
    refreshTokens: async (request, context) =>
      wireTokens(await refresh(deps, request.refreshToken, originOf(context))),

    createWsToken: (_request, context) => {
      const { token, expiresInSeconds } = mintWsToken(deps, principalOf(context));
      return { wsToken: token, expiresIn: expiresInSeconds };
    },

    listSessions: async (request, context) => {
      const principal = principalOf(context);
      const page = await listOwnSessions(deps, principal, request);
      const sessions = page.sessions.map((row) => wireSession(row, principal.sessionId));
      return { sessions, nextPageToken: page.nextPageToken };
    },

    validateToken: (request) => {
      const validate = request.use === TokenUse.WS ? validateWsToken : validateToken;
      const validation = validate(deps, request.token);
      return validation instanceof Promise
        ? validation.then(wireValidation)
        : wireValidation(validation);
    },

    listRevocations: async (request) => {
      const page = await listRevocations(deps, request);
      const revocations = page.revocations.map(wireRevocation);
      return { revocations, nextCursor: page.nextCursor, hasMore: page.hasMore };
    },

    watchRevocations: (request, context) => streamRevocations(deps, request.cursor, context),
  };
}

async function* streamRevocations(deps: WatchDeps, cursor: string, context: HandlerContext) {
  for await (const item of watchRevocations(deps, cursor, context.signal)) {
    const revocation = item.revocation && wireRevocation(item.revocation);
    yield { revocation, cursor: item.cursor };
  }
}
