import type { MigrationInterface, QueryRunner } from 'typeorm';

/** One row per attempt to send a message by a provider, without the number. */
export class CreateSmsDeliveries1795471260000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE sms_deliveries (
        id uuid PRIMARY KEY,
        send_id uuid NOT NULL,
        provider text NOT NULL,
        provider_message_id text,
        status text NOT NULL DEFAULT 'sending' CHECK (
          status IN ('sending', 'failed', 'unknown', 'accepted', 'sent', 'delivered', 'undelivered')),
        error_code text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        receipt_at timestamptz
      ) WITH (fillfactor = 70)`);
    await runner.query('CREATE INDEX sms_deliveries_age ON sms_deliveries (created_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE sms_deliveries');
  }
}
