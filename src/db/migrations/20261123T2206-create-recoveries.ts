import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Recoveries of accounts whose second factor is lost; the partial index allows one at a time. */
export class CreateRecoveries1795471560000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE recoveries (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES users_auth (id) ON DELETE CASCADE,
        ip_prefix cidr NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        ready_at timestamptz NOT NULL,
        ended_at timestamptz,
        outcome text,
        CONSTRAINT recoveries_outcome_check
          CHECK (outcome IN ('completed', 'cancelled', 'number_changed', 'factor_changed', 'locked_down')),
        CONSTRAINT recoveries_ended_check CHECK ((ended_at IS NULL) = (outcome IS NULL))
      )`);
    await runner.query(`
      CREATE UNIQUE INDEX recoveries_one_running ON recoveries (user_id) WHERE ended_at IS NULL`);
    await runner.query('CREATE INDEX recoveries_account ON recoveries (user_id, created_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE recoveries');
  }
}
