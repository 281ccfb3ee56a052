import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Logins with a proven number that wait for their second factor. */
export class CreateTwoFactorChallenges1795471440000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE two_factor_challenges (
        id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
        user_id uuid NOT NULL REFERENCES users_auth (id) ON DELETE CASCADE,
        phone_number text NOT NULL,
        verification_id uuid NOT NULL UNIQUE,
        device jsonb NOT NULL,
        key_bundle jsonb,
        tries integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        passed_at timestamptz,
        passed_kind text CHECK (passed_kind IN ('totp', 'backup_code')),
        ended_at timestamptz,
        CONSTRAINT two_factor_challenges_passed_check
          CHECK ((passed_at IS NULL) = (passed_kind IS NULL))
      )`);
    await runner.query(
      'CREATE INDEX two_factor_challenges_account ON two_factor_challenges (user_id)',
    );
    await runner.query(
      'CREATE INDEX two_factor_challenges_expiry ON two_factor_challenges (expires_at)',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE two_factor_challenges');
  }
}
