import {
  boolean,
  bytes,
  identity,
  integer,
  json,
  madeAt,
  network,
  nullable,
  primary,
  table,
  text,
  time,
  uuid,
  withDefault,
  writtenBy,
} from './columns.ts';
import { ownedByAccount } from './entities-account.ts';

const loginHistory = table('login_history', {
  columns: {
    id: identity,
    userId: uuid,
    deviceId: nullable(uuid),
    ipAddress: network,
    addressKey: bytes,
    status: text,
    reason: nullable(text),
    createdAt: madeAt,
  },
  foreignKeys: [ownedByAccount()],
  checks: [
    {
      name: 'login_history_status_check',
      expression: `status IN ('success', 'failure', 'challenged')`,
    },
  ],
  indices: [
    { name: 'login_history_newest', columns: ['userId', 'id'] },
    {
      name: 'login_history_known_address',
      columns: ['userId', 'addressKey'],
      where: `status = 'success'`,
    },
  ],
});

const auditEvents = table('audit_events', {
  columns: {
    createdAt: primary(madeAt),
    id: { type: 'uuid', primary: true, generated: 'uuid' },
    type: text,
    outcome: text,
    reason: nullable(text),
    actor: text,
    accountId: nullable(uuid),
    deviceId: nullable(uuid),
    sessionId: nullable(uuid),
    ipPrefix: nullable(network),
    requestId: nullable(text),
    details: withDefault(json, {}),
  },
  checks: [
    { name: 'audit_events_outcome_check', expression: `outcome IN ('success', 'refused')` },
    {
      name: 'audit_events_actor_check',
      expression: `actor IN ('account', 'anonymous', 'service', 'operator', 'system')`,
    },
  ],
  indices: [{ name: 'audit_events_account', columns: ['accountId', 'createdAt', 'id'] }],
});

const outbox = table('outbox', {
  columns: {
    id: identity,
    xid: writtenBy,
    eventId: uuid,
    accountId: uuid,
    phoneKey: nullable(bytes),
    type: text,
    payload: bytes,
    createdAt: madeAt,
    freedPhoneKey: nullable(bytes),
  },
  indices: [{ name: 'outbox_cursor', columns: ['xid', 'id'] }],
});

const phoneCounters = table('phone_counters', {
  columns: {
    phoneKey: primary(bytes),
    failures: withDefault(integer, 0),
    failingUntil: nullable(time),
    lastSuccessAt: nullable(time),
    touchedAt: madeAt,
    era: withDefault(integer, 0),
    refusalToldAt: nullable(time),
  },
  indices: [{ name: 'phone_counters_age', columns: ['touchedAt'] }],
});

const phoneAttempts = table('phone_attempts', {
  columns: {
    id: primary(uuid),
    phoneKey: bytes,
    addressKey: bytes,
    kind: text,
    reserved: withDefault(boolean, false),
    verifiedAt: nullable(time),
    createdAt: madeAt,
  },
  checks: [{ name: 'phone_attempts_kind_check', expression: `kind IN ('send', 'check')` }],
  indices: [
    { name: 'phone_attempts_window', columns: ['phoneKey', 'kind', 'createdAt'] },
    { name: 'phone_attempts_age', columns: ['createdAt'] },
  ],
});

const jobRuns = table('job_runs', { columns: { name: primary(text), nextAt: time } });

/** What is kept about the past, what leaves for other services, and the counters of limits and jobs. */
export const historyEntities = [
  loginHistory,
  auditEvents,
  outbox,
  phoneCounters,
  phoneAttempts,
  jobRuns,
];
