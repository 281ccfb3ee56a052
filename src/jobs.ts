import type { Clock } from './platform/clock.ts';
import type { Logger } from './platform/logger.ts';
import { sql } from './platform/postgres.ts';
import type { Database } from './platform/postgres.ts';

/** Work that one replica does every so often. It must be safe to be cut off and to run twice. */
export interface Job {
  readonly name: string;
  readonly periodMs: number;
  readonly run: () => Promise<void>;
  /** Every replica runs it, not only the one that gets the lock. */
  readonly isLocal?: boolean;
}

interface JobDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Starts each job after its first period; returns how to stop them, which waits for running ones. */
export function startJobs(deps: JobDeps, jobs: readonly Job[]): () => Promise<void> {
  const running = new Set<Promise<void>>();
  const timers = jobs.map((job) =>
    setInterval(() => {
      const run = runOnce(deps, job).finally(() => running.delete(run));
      running.add(run);
    }, job.periodMs).unref(),
  );
  return async () => {
    for (const timer of timers) clearInterval(timer);
    await Promise.allSettled(running);
  };
}

/** A job that fails is logged and tried again at its next period. */
async function runOnce(deps: JobDeps, job: Job): Promise<void> {
  try {
    if (job.isLocal === true || (await isLeader(deps.db, job))) await job.run();
  } catch (error) {
    deps.logger.warn({ event: 'job.failed', job: job.name, err: error }, 'a job failed');
  }
}

/**
 * Claims this period for this replica: the row says when the job may run next, so no lock is held
 * while it runs and a replica that dies hands over at the next period.
 */
async function isLeader(db: Database, job: Job): Promise<boolean> {
  const rows = await db.query(CLAIM_PERIOD, [job.name, job.periodMs / 1000]);
  return rows.length === 1;
}

const CLAIM_PERIOD = sql(
  'jobs.claim_period',
  `INSERT INTO job_runs (name, next_at) VALUES ($1, now() + make_interval(secs => $2::float8 * 0.9))
   ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at WHERE job_runs.next_at <= now()
   RETURNING name`,
);
