import type { Job } from './jobs.ts';
import { dropOldAuditPartitions, ensureAuditPartitions } from './audit/store.ts';
import { deleteOldSends, unlinkSends } from './fraud/store.ts';
import { deleteOldLinks } from './link/store.ts';
import { deleteOldAttempts } from './phone/store.ts';
import type { Database } from './platform/postgres.ts';
import { deleteOldRecoveries } from './recovery/store.ts';
import { deleteOldDeliveries } from './sms/store.ts';
import { deleteOldRevocations } from './session/store-revocation.ts';
import { deleteOldSessions } from './session/store.ts';
import { deleteOldChallenges } from './sign-in/store-challenge.ts';
import { turnKeys } from './token/rotate.ts';
import type { RotateDeps } from './token/rotate.ts';
import type { KeyRing } from './token/key-ring.ts';

type JobTableDeps = RotateDeps & {
  readonly db: Database;
  readonly keyRing: KeyRing;
  readonly config: {
    readonly accessTokenTtlSeconds: number;
    readonly auditRetentionDays: number;
    readonly sessionAbsoluteSeconds: number;
    readonly signingKeyPendingSeconds: number;
    readonly fraudRecordDays: number;
  };
};

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Siblings cache the JWKS for an hour, and a token may be as old as it gets. */
const JWKS_CACHE_SECONDS = 3_600 + 600;

/** Everything that happens by itself. */
export function periodicJobs(deps: JobTableDeps): Job[] {
  const { accessTokenTtlSeconds, sessionAbsoluteSeconds, signingKeyPendingSeconds } = deps.config;
  const seconds = {
    pending: signingKeyPendingSeconds,
    accessKept: accessTokenTtlSeconds + JWKS_CACHE_SECONDS,
    refreshKept: sessionAbsoluteSeconds,
  };
  return [
    {
      name: 'reload-signing-keys',
      periodMs: 25 * SECOND,
      run: () => deps.keyRing.reload(),
      isLocal: true,
    },
    { name: 'turn-signing-keys', periodMs: MINUTE, run: () => turnKeys(deps, seconds) },
    { name: 'forget-phone-attempts', periodMs: 10 * MINUTE, run: () => deleteOldAttempts(deps.db) },
    { name: 'forget-sms-deliveries', periodMs: HOUR, run: () => deleteOldDeliveries(deps.db) },
    { name: 'unlink-fraud-sends', periodMs: HOUR, run: () => unlinkSends(deps.db) },
    {
      name: 'forget-fraud-sends',
      periodMs: HOUR,
      run: () => deleteOldSends(deps.db, deps.config.fraudRecordDays),
    },
    { name: 'forget-challenges', periodMs: 10 * MINUTE, run: () => deleteOldChallenges(deps.db) },
    { name: 'forget-recoveries', periodMs: HOUR, run: () => deleteOldRecoveries(deps.db) },
    { name: 'forget-links', periodMs: HOUR, run: () => deleteOldLinks(deps.db) },
    { name: 'forget-revocations', periodMs: 10 * MINUTE, run: () => deleteOldRevocations(deps.db) },
    { name: 'forget-sessions', periodMs: HOUR, run: () => deleteOldSessions(deps.db) },
    { name: 'ensure-audit-partitions', periodMs: HOUR, run: () => ensureAuditPartitions(deps.db) },
    {
      name: 'drop-old-audit',
      periodMs: HOUR,
      run: async () => {
        await dropOldAuditPartitions(deps.db, deps.config.auditRetentionDays);
      },
    },
  ];
}
