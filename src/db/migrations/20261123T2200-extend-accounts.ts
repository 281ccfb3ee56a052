import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who locked an account down, what of its history is shown, and a look at all of its sessions. */
export class ExtendAccounts1795471200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE users_auth
        ADD COLUMN locked_down_by text CHECK (locked_down_by IN ('owner', 'operator')),
        ADD COLUMN history_from timestamptz,
        ADD CONSTRAINT users_auth_lockdown_check
          CHECK ((locked_down_at IS NULL) = (locked_down_by IS NULL))`);
    await runner.query('CREATE INDEX sessions_account ON sessions (user_id, device_id)');
    await runner.query(`
      ALTER TABLE login_history
        DROP CONSTRAINT login_history_status_check,
        ADD CONSTRAINT login_history_status_check
          CHECK (status IN ('success', 'failure', 'challenged'))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM login_history WHERE status = 'challenged'`);
    await runner.query(`
      ALTER TABLE login_history
        DROP CONSTRAINT login_history_status_check,
        ADD CONSTRAINT login_history_status_check CHECK (status IN ('success', 'failure'))`);
    await runner.query('DROP INDEX sessions_account');
    await runner.query(
      'ALTER TABLE users_auth DROP COLUMN history_from, DROP COLUMN locked_down_by',
    );
  }
}
