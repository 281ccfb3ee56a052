import { integer, json, nullable, primary, table, time, uuid, withDefault } from './columns.ts';
import { ownedByAccount } from './entities-account.ts';

const twoFactorStates = table('two_factor_states', {
  columns: {
    userId: primary(uuid),
    secretId: nullable(uuid),
    enabledAt: nullable(time),
    lastStep: withDefault(integer, 0),
    pendingSecret: nullable(json),
    pendingSince: nullable(time),
    misses: withDefault(integer, 0),
    lockedUntil: nullable(time),
    refusingSince: nullable(time),
  },
  foreignKeys: [ownedByAccount()],
  checks: [
    { name: 'two_factor_states_misses_check', expression: 'misses >= 0' },
    {
      name: 'two_factor_states_enabled_check',
      expression: '(secret_id IS NULL) = (enabled_at IS NULL)',
    },
    {
      name: 'two_factor_states_pending_check',
      expression:
        '(pending_secret IS NULL) = (pending_since IS NULL) AND (secret_id IS NULL OR pending_secret IS NULL)',
    },
  ],
});

/** Second factors: what proves them, and what was missed. */
export const twoFactorEntities = [twoFactorStates];
