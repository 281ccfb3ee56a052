import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is kept about the past (login history, audit) and what leaves for other services (outbox). */
export class CreateHistory1795460520000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE login_history (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES users_auth (id) ON DELETE CASCADE,
        device_id uuid,
        ip_address cidr NOT NULL,
        address_key bytea NOT NULL,
        status text NOT NULL CHECK (status IN ('success', 'failure')),
        reason text,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query('CREATE INDEX login_history_newest ON login_history (user_id, id DESC)');
    await runner.query(`
      CREATE INDEX login_history_known_address ON login_history (user_id, address_key)
        WHERE status = 'success'`);
    await runner.query(`
      CREATE TABLE audit_events (
        id uuid NOT NULL DEFAULT gen_random_uuid(),
        created_at timestamptz NOT NULL DEFAULT now(),
        type text NOT NULL,
        outcome text NOT NULL CHECK (outcome IN ('success', 'refused')),
        reason text,
        actor text NOT NULL CHECK (actor IN ('account', 'anonymous', 'service', 'operator', 'system')),
        account_id uuid,
        device_id uuid,
        session_id uuid,
        ip_prefix cidr,
        request_id text,
        details jsonb NOT NULL DEFAULT '{}',
        PRIMARY KEY (created_at, id)
      ) PARTITION BY RANGE (created_at)`);
    await runner.query(`
      CREATE INDEX audit_events_account ON audit_events (account_id, created_at DESC, id)`);
    await runner.query(`
      CREATE FUNCTION ensure_audit_partitions() RETURNS void
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      DECLARE month date;
      BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('ensure_audit_partitions'));
        FOR month IN SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date
                            + make_interval(months => n) FROM generate_series(0, 2) AS n LOOP
          BEGIN
            EXECUTE format(
              'CREATE TABLE IF NOT EXISTS %I PARTITION OF audit_events FOR VALUES FROM (%L) TO (%L)',
              'audit_events_' || to_char(month, 'YYYYMM'), month || ' 00:00:00+00',
              (month + interval '1 month')::date || ' 00:00:00+00');
          EXCEPTION WHEN check_violation THEN
            RAISE WARNING 'audit_events_default already holds rows of %', month;
          END;
        END LOOP;
      END $$`);
    await runner.query('CREATE TABLE audit_events_default PARTITION OF audit_events DEFAULT');
    await runner.query('SELECT ensure_audit_partitions()');
    await runner.query(`
      CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
        event_id uuid NOT NULL,
        account_id uuid NOT NULL,
        phone_key bytea,
        type text NOT NULL,
        payload bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query('CREATE INDEX outbox_cursor ON outbox (xid, id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE outbox, audit_events, login_history');
    await runner.query('DROP FUNCTION ensure_audit_partitions()');
  }
}
