import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Forgets audit events by month. The serving role may call it and still delete nothing itself; what
 * is younger than 90 days is safe from it, whatever it asks for.
 */
export class DropOldAudit1795471620000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE FUNCTION drop_old_audit_partitions(retention_days integer) RETURNS integer
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '1s' AS $$
      DECLARE
        kept_from timestamptz := now() - make_interval(days => retention_days);
        month text;
        dropped integer := 0;
      BEGIN
        IF retention_days IS NULL OR retention_days < 90 THEN
          RAISE invalid_parameter_value USING MESSAGE = 'audit events are kept for 90 days at least';
        END IF;
        PERFORM pg_advisory_xact_lock(hashtext('ensure_audit_partitions'));
        FOR month IN
          SELECT right(c.relname, 6) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
           WHERE i.inhparent = 'public.audit_events'::regclass AND c.relname ~ '^audit_events_[0-9]{6}$'
           ORDER BY c.relname
        LOOP
          EXIT WHEN (to_date(month, 'YYYYMM') + interval '1 month') AT TIME ZONE 'UTC' > kept_from;
          EXECUTE format('DROP TABLE %I', 'audit_events_' || month);
          dropped := dropped + 1;
        END LOOP;
        DELETE FROM audit_events_default WHERE created_at < kept_from;
        RETURN dropped;
      END $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION drop_old_audit_partitions(integer)');
  }
}
