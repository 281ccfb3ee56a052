import type { ServiceImpl } from '@connectrpc/connect';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { LoginStatus } from '../../gen/whispr/auth/v1/session_pb.ts';
import { principalOf } from '../rpc/call.ts';
import { listOwnLoginHistory } from './list-login-history.ts';
import type { ListHistoryDeps } from './list-login-history.ts';
import type { LoginHistoryRow } from './store.ts';

export type AccountSlice = Pick<ServiceImpl<typeof AuthService>, 'listLoginHistory'>;

/** What the owner of an account does with it, as AuthService serves it. */
export function createAccountSlice(deps: ListHistoryDeps): AccountSlice {
  return {
    listLoginHistory: async (request, context) => {
      const page = await listOwnLoginHistory(deps, principalOf(context).accountId, request);
      return { entries: page.entries.map(wireEntry), nextPageToken: page.nextPageToken };
    },
  };
}

const LOGIN_STATUSES: Readonly<Record<LoginHistoryRow['status'], LoginStatus>> = {
  success: LoginStatus.SUCCESS,
  failure: LoginStatus.FAILURE,
  challenged: LoginStatus.CHALLENGED,
};

function wireEntry(row: LoginHistoryRow) {
  return {
    id: row.id,
    deviceId: row.deviceId ?? '',
    deviceName: row.deviceName ?? '',
    ipPrefix: row.ipPrefix,
    createTime: timestampFromDate(row.createdAt),
    status: LOGIN_STATUSES[row.status],
    reason: row.reason ?? '',
  };
}
