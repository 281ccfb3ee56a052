import { auditSettings } from './audit.ts';
import { accountSettings } from './account.ts';
import { databaseSettings } from './database.ts';
import { edgeSettings } from './edge.ts';
import { fraudSettings } from './fraud.ts';
import { linkSettings } from './link.ts';
import { processSettings } from './process.ts';
import { redisSettings } from './redis.ts';
import { sessionSettings } from './session.ts';
import { smsSettings } from './sms.ts';
import { tokenSettings } from './token.ts';
import { twoFactorSettings } from './two-factor.ts';
import { verificationSettings } from './verification.ts';

/** Every variable of the service. docs/configuration.md is generated from this table. */
export const settings = {
  ...processSettings,
  ...databaseSettings,
  ...auditSettings,
  ...redisSettings,
  ...tokenSettings,
  ...sessionSettings,
  ...verificationSettings,
  ...twoFactorSettings,
  ...accountSettings,
  ...smsSettings,
  ...fraudSettings,
  ...linkSettings,
  ...edgeSettings,
};
