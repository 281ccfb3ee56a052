import { integer } from './read.ts';
import { setting } from './setting.ts';

/** The audit log. */
export const auditSettings = {
  auditRetentionDays: setting(
    'AUDIT_RETENTION_DAYS',
    integer(90, 3_650),
    400,
    'age at which a month of the audit log is dropped as a whole',
  ),
};
