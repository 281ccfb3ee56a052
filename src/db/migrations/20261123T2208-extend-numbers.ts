import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Numbers change hands: eras in which a number's verifications are good, the number that an event
 * sets free, and the move itself.
 */
export class ExtendNumbers1795471680000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE phone_counters
        ADD COLUMN era integer NOT NULL DEFAULT 0,
        ADD COLUMN refusal_told_at timestamptz`);
    await runner.query('ALTER TABLE outbox ADD COLUMN freed_phone_key bytea');
    await runner.query(MOVE_NUMBER);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION move_number(uuid, text)');
    await runner.query('ALTER TABLE outbox DROP COLUMN freed_phone_key');
    await runner.query('ALTER TABLE phone_counters DROP COLUMN era, DROP COLUMN refusal_told_at');
  }
}

/**
 * Gives an account another number; false when the number has an account. Another transaction that is
 * about to take the number is waited for: the unique index decides, and the loser keeps its number.
 */
const MOVE_NUMBER = `
CREATE FUNCTION move_number(p_account uuid, p_phone text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE users_auth SET phone_number = p_phone, updated_at = now() WHERE id = p_account;
  RETURN FOUND;
EXCEPTION WHEN unique_violation THEN
  RETURN false;
END $$`;
