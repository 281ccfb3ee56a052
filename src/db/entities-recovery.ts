import { madeAt, network, nullable, primary, table, text, time, uuid } from './columns.ts';
import { ownedByAccount } from './entities-account.ts';

const recoveries = table('recoveries', {
  columns: {
    id: primary(uuid),
    userId: uuid,
    ipPrefix: network,
    createdAt: madeAt,
    readyAt: time,
    endedAt: nullable(time),
    outcome: nullable(text),
  },
  foreignKeys: [ownedByAccount()],
  checks: [
    {
      name: 'recoveries_outcome_check',
      expression: `outcome IN ('completed', 'cancelled', 'number_changed', 'factor_changed', 'locked_down')`,
    },
    {
      name: 'recoveries_ended_check',
      expression: '(ended_at IS NULL) = (outcome IS NULL)',
    },
  ],
  indices: [
    {
      name: 'recoveries_one_running',
      columns: ['userId'],
      unique: true,
      where: 'ended_at IS NULL',
    },
    { name: 'recoveries_account', columns: ['userId', 'createdAt'] },
  ],
});

/** Recoveries of accounts whose second factor is lost. */
export const recoveryEntities = [recoveries];
