import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { LoginStatus } from '../../gen/whispr/auth/v1/session_pb.ts';
import { principalOf } from '../rpc/call.ts';
import { originOf } from '../rpc/origin.ts';
import { logOut, revokeAllSessions, revokeOtherSessions, revokeSession } from './end-session.ts';
import type { Bearer, EndSessionDeps } from './end-session.ts';
import { listOwnLoginHistory } from './list-login-history.ts';
import type { LoginHistoryRow } from './store.ts';

export type AccountSlice = Pick<
  ServiceImpl<typeof AuthService>,
  'logout' | 'revokeSession' | 'revokeOtherSessions' | 'revokeAllSessions' | 'listLoginHistory'
>;

/** What the owner of an account does with it, as AuthService serves it. */
export function createAccountSlice(deps: EndSessionDeps): AccountSlice {
  return {
    logout: async (request, context) => {
      await logOut(deps, bearerOf(context), request);
      return {};
    },

    revokeSession: async (request, context) => {
      await revokeSession(deps, bearerOf(context), request.sessionId);
      return {};
    },

    revokeOtherSessions: async (_request, context) => ({
      revokedCount: await revokeOtherSessions(deps, bearerOf(context)),
    }),

    revokeAllSessions: async (_request, context) => ({
      revokedCount: await revokeAllSessions(deps, bearerOf(context)),
    }),

    listLoginHistory: async (request, context) => {
      const page = await listOwnLoginHistory(deps, principalOf(context).accountId, request);
      return { entries: page.entries.map(wireEntry), nextPageToken: page.nextPageToken };
    },
  };
}

function bearerOf(context: HandlerContext): Bearer {
  return { principal: principalOf(context), origin: originOf(context) };
}

function wireEntry(row: LoginHistoryRow) {
  return {
    id: row.id,
    deviceId: row.deviceId ?? '',
    deviceName: row.deviceName ?? '',
    ipPrefix: row.ipPrefix,
    createTime: timestampFromDate(row.createdAt),
    status: row.status === 'success' ? LoginStatus.SUCCESS : LoginStatus.FAILURE,
    reason: row.reason ?? '',
  };
}
