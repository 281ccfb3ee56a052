import {
  boolean,
  bytes,
  integer,
  madeAt,
  nullable,
  primary,
  table,
  text,
  time,
  uuid,
  withDefault,
} from './columns.ts';

const bigint = { type: 'bigint' } as const;

const spendCounters = table('spend_counters', {
  columns: {
    country: primary(text),
    day: { type: 'date', primary: true },
    spent: withDefault(bigint, 0),
    hour: { type: 'timestamptz', default: '-infinity' },
    hourSends: withDefault(integer, 0),
  },
  checks: [
    { name: 'spend_counters_spent_check', expression: 'spent >= 0' },
    { name: 'spend_counters_hour_sends_check', expression: 'hour_sends >= 0' },
  ],
});

const fraudPrefixes = table('fraud_prefixes', {
  columns: {
    prefix: primary(text),
    blockedUntil: nullable(time),
    blockSeconds: withDefault(integer, 0),
    createdAt: madeAt,
  },
});

const fraudSends = table('fraud_sends', {
  columns: {
    id: primary(uuid),
    country: text,
    prefix: text,
    numberKind: text,
    purpose: text,
    phoneKey: bytes,
    addressKey: bytes,
    isLinked: withDefault(boolean, true),
    price: bigint,
    decision: text,
    reason: nullable(text),
    verifiedAt: nullable(time),
    createdAt: madeAt,
  },
  checks: [
    {
      name: 'fraud_sends_decision_check',
      expression: `decision IN ('sent', 'flagged', 'refused', 'returned')`,
    },
    {
      name: 'fraud_sends_reason_check',
      expression: `decision IN ('sent', 'returned') OR reason IS NOT NULL`,
    },
  ],
  indices: [
    { name: 'fraud_sends_window', columns: ['prefix', 'createdAt'] },
    { name: 'fraud_sends_age', columns: ['createdAt', 'id'] },
    { name: 'fraud_sends_linked', columns: ['createdAt'], where: 'is_linked' },
  ],
});

/** What codes cost, where they go, and what was decided about each. */
export const fraudEntities = [spendCounters, fraudPrefixes, fraudSends];
