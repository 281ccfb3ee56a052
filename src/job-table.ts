import type { Job } from './jobs.ts';
import { ensureAuditPartitions } from './audit/store.ts';
import { deleteOldAttempts } from './phone/store.ts';
import type { Database } from './platform/postgres.ts';
import { deleteOldRevocations } from './session/store-revocation.ts';
import { deleteOldSessions } from './session/store.ts';
import { turnKeys } from './token/rotate.ts';
import type { RotateDeps } from './token/rotate.ts';
import type { KeyRing } from './token/key-ring.ts';

type JobTableDeps = RotateDeps & {
  readonly db: Database;
  readonly keyRing: KeyRing;
  readonly config: {
    readonly accessTokenTtlSeconds: number;
    readonly sessionAbsoluteSeconds: number;
    readonly signingKeyPendingSeconds: number;
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
    { name: 'forget-revocations', periodMs: 10 * MINUTE, run: () => deleteOldRevocations(deps.db) },
    { name: 'forget-sessions', periodMs: HOUR, run: () => deleteOldSessions(deps.db) },
    { name: 'ensure-audit-partitions', periodMs: HOUR, run: () => ensureAuditPartitions(deps.db) },
  ];
}
