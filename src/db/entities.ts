import { accountEntities } from './entities-account.ts';
import { challengeEntities } from './entities-challenge.ts';
import { fraudEntities } from './entities-fraud.ts';
import { historyEntities } from './entities-history.ts';
import { keyEntities } from './entities-key.ts';
import { linkEntities } from './entities-link.ts';
import { recoveryEntities } from './entities-recovery.ts';
import { smsEntities } from './entities-sms.ts';
import { twoFactorEntities } from './entities-two-factor.ts';

/** Every table as TypeORM sees it, for the drift check and `migration:generate`; rows are read by SQL. */
export const entities = [
  ...accountEntities,
  ...keyEntities,
  ...linkEntities,
  ...historyEntities,
  ...fraudEntities,
  ...smsEntities,
  ...challengeEntities,
  ...twoFactorEntities,
  ...recoveryEntities,
];
