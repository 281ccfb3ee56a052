import type { MigrationInterface, QueryRunner } from 'typeorm';

/** QR logins whose tokens were collected: each challenge at most once, whatever Redis says. */
export class CreateLinks1795471500000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE completed_links (
        id text PRIMARY KEY,
        completed_at timestamptz NOT NULL DEFAULT now()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE completed_links');
  }
}
