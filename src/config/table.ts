import { databaseSettings } from './database.ts';
import { edgeSettings } from './edge.ts';
import { processSettings } from './process.ts';
import { redisSettings } from './redis.ts';
import { sessionSettings } from './session.ts';
import { smsSettings } from './sms.ts';
import { tokenSettings } from './token.ts';
import { verificationSettings } from './verification.ts';

/** Every variable of the service. docs/configuration.md is generated from this table. */
export const settings = {
  ...processSettings,
  ...databaseSettings,
  ...redisSettings,
  ...tokenSettings,
  ...sessionSettings,
  ...verificationSettings,
  ...smsSettings,
  ...edgeSettings,
};
