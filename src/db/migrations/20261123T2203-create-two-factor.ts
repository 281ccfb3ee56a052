import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What an account's second factor went through: the secret that waits for its proof, the last time
 * step that was used, misses and their locks. The secret that is on stays with its account.
 */
export class CreateTwoFactor1795471380000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Fillfactor: a row is updated in place with every try.
    await runner.query(`
      CREATE TABLE two_factor_states (
        user_id uuid PRIMARY KEY REFERENCES users_auth (id) ON DELETE CASCADE,
        secret_id uuid,
        enabled_at timestamptz,
        last_step integer NOT NULL DEFAULT 0,
        pending_secret jsonb,
        pending_since timestamptz,
        misses integer NOT NULL DEFAULT 0 CHECK (misses >= 0),
        locked_until timestamptz,
        refusing_since timestamptz,
        CONSTRAINT two_factor_states_enabled_check
          CHECK ((secret_id IS NULL) = (enabled_at IS NULL)),
        CONSTRAINT two_factor_states_pending_check
          CHECK ((pending_secret IS NULL) = (pending_since IS NULL)
             AND (secret_id IS NULL OR pending_secret IS NULL))
      ) WITH (fillfactor = 70)`);
    // Which peppers are still needed is asked at every start.
    await runner.query('CREATE INDEX backup_codes_pepper ON backup_codes (pepper_kid)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX backup_codes_pepper');
    await runner.query('DROP TABLE two_factor_states');
  }
}
