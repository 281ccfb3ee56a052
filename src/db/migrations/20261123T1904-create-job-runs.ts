import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which replica runs a periodic job: whoever claims the next period first. */
export class CreateJobRuns1795460640000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE job_runs (name text PRIMARY KEY, next_at timestamptz NOT NULL)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE job_runs');
  }
}
