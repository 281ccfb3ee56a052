import {
  bytes,
  integer,
  json,
  madeAt,
  nullable,
  primary,
  table,
  text,
  time,
  unique,
  uuid,
  withDefault,
} from './columns.ts';
import { ownedByAccount } from './entities-account.ts';

const twoFactorChallenges = table('two_factor_challenges', {
  columns: {
    id: primary(bytes),
    userId: uuid,
    phoneNumber: text,
    verificationId: unique(uuid),
    device: json,
    keyBundle: nullable(json),
    tries: withDefault(integer, 0),
    createdAt: madeAt,
    expiresAt: time,
    passedAt: nullable(time),
    passedKind: nullable(text),
    endedAt: nullable(time),
  },
  foreignKeys: [ownedByAccount()],
  checks: [
    { name: 'two_factor_challenges_id_check', expression: 'octet_length(id) = 32' },
    {
      name: 'two_factor_challenges_passed_kind_check',
      expression: `passed_kind IN ('totp', 'backup_code')`,
    },
    {
      name: 'two_factor_challenges_passed_check',
      expression: '(passed_at IS NULL) = (passed_kind IS NULL)',
    },
  ],
  indices: [
    { name: 'two_factor_challenges_account', columns: ['userId'] },
    { name: 'two_factor_challenges_expiry', columns: ['expiresAt'] },
  ],
});

/** Logins that wait for their second factor. */
export const challengeEntities = [twoFactorChallenges];
