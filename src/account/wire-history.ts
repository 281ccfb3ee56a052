import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { LoginStatus } from '../../gen/whispr/auth/v1/session_pb.ts';
import type { AuditEventRow, LoginHistoryRow } from './store-history.ts';

const LOGIN_STATUSES: Readonly<Record<LoginHistoryRow['status'], LoginStatus>> = {
  success: LoginStatus.SUCCESS,
  failure: LoginStatus.FAILURE,
  challenged: LoginStatus.CHALLENGED,
};

export function wireLogin(row: LoginHistoryRow) {
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

/** To the owner of an account, every service is the system. */
const ACTORS: Readonly<Record<AuditEventRow['actor'], string>> = {
  account: 'user',
  anonymous: 'anonymous',
  operator: 'operator',
  service: 'system',
  system: 'system',
};

/** Details stay behind: they are for auditors, and a new one needs no thought about who reads it. */
export function wireAuditEvent(row: AuditEventRow) {
  return {
    id: row.id,
    action: row.type,
    actor: ACTORS[row.actor],
    deviceId: row.deviceId ?? '',
    sessionId: row.sessionId ?? '',
    ipPrefix: row.ipPrefix ?? '',
    requestId: row.requestId ?? '',
    outcome: row.outcome,
    reason: row.reason ?? '',
    createTime: timestampFromDate(row.createdAt),
  };
}
