import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The truth about sends and checks per number. `phone_attempts` is a log, so windows slide and
 * limits are exact; the row of `phone_counters` is the lock that makes them hold in parallel.
 */
export class CreatePhoneLimits1795460580000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE phone_counters (
        phone_key bytea PRIMARY KEY,
        failures integer NOT NULL DEFAULT 0,
        failing_until timestamptz,
        last_success_at timestamptz,
        touched_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`
      CREATE TABLE phone_attempts (
        id uuid PRIMARY KEY,
        phone_key bytea NOT NULL,
        address_key bytea NOT NULL,
        kind text NOT NULL CHECK (kind IN ('send', 'check')),
        reserved boolean NOT NULL DEFAULT false,
        verified_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`
      CREATE INDEX phone_attempts_window ON phone_attempts (phone_key, kind, created_at)`);
    await runner.query('CREATE INDEX phone_counters_age ON phone_counters (touched_at)');
    await runner.query('CREATE INDEX phone_attempts_age ON phone_attempts (created_at)');
    await runner.query(TAKE_SEND);
    await runner.query(TAKE_CHECK);
    await runner.query(SETTLE_CHECK);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION settle_check(bytea, uuid, uuid)');
    await runner.query('DROP FUNCTION take_check(bytea, bytea, uuid, boolean, jsonb)');
    await runner.query('DROP FUNCTION take_send(bytea, bytea, uuid, boolean, boolean, jsonb)');
    await runner.query('DROP TABLE phone_attempts, phone_counters');
  }
}

/**
 * Takes one send to a number for an address, or says why not. A verified send is excused for the
 * first `verifiedDay` of a day. Order: hard cap, refusing factor, a wait that outlives the code,
 * cool-down, caps, reserve.
 */
const TAKE_SEND = `
CREATE FUNCTION take_send(
  p_phone bytea, p_address bytea, p_send uuid, p_known boolean, p_second_factor boolean, p_limits jsonb,
  OUT refusal text, OUT wait_seconds integer, OUT resend_seconds integer
) LANGUAGE plpgsql AS $$
DECLARE
  v_counter record;
  v record;
  v_cooldown integer := 0;
  v_reserved boolean := false;
BEGIN
  INSERT INTO phone_counters (phone_key) VALUES (p_phone) ON CONFLICT DO NOTHING;
  SELECT failures, failing_until INTO v_counter
    FROM phone_counters WHERE phone_key = p_phone FOR UPDATE;

  WITH recent AS (
    SELECT created_at, reserved, verified_at, address_key = p_address AS mine,
           verified_at IS NULL
             OR row_number() OVER (PARTITION BY verified_at IS NULL ORDER BY created_at)
                > (p_limits->>'verifiedDay')::integer AS counted,
           created_at > now() - interval '1 hour' AS this_hour
      FROM phone_attempts
     WHERE phone_key = p_phone AND kind = 'send' AND created_at > now() - interval '1 day'
  )
  SELECT count(*) AS sends,
         count(*) FILTER (WHERE verified_at IS NULL) AS unverified,
         count(*) FILTER (WHERE counted AND this_hour) AS number_hour,
         count(*) FILTER (WHERE counted) AS number_day,
         count(*) FILTER (WHERE mine) AS mine,
         count(*) FILTER (WHERE mine AND counted AND this_hour AND NOT reserved) AS address_hour,
         count(*) FILTER (WHERE mine AND counted AND NOT reserved) AS address_day,
         count(*) FILTER (WHERE mine AND reserved) AS reserve_used,
         count(*) FILTER (WHERE mine AND created_at > coalesce(
           (SELECT max(created_at) FROM recent WHERE mine AND verified_at IS NOT NULL),
           '-infinity')) AS streak,
         max(created_at) AS last,
         max(created_at) FILTER (WHERE mine) AS my_last,
         min(created_at) FILTER (WHERE verified_at IS NULL) AS first_unverified,
         min(created_at) FILTER (WHERE counted) AS first_day,
         min(created_at) FILTER (WHERE counted AND this_hour) AS first_hour,
         min(created_at) FILTER (WHERE mine AND counted AND NOT reserved) AS my_first_day,
         min(created_at) FILTER (WHERE mine AND counted AND this_hour AND NOT reserved) AS my_first_hour
    INTO v FROM recent;

  IF v.streak > 0 THEN
    v_cooldown := (p_limits->'cooldownSeconds'->>least(v.streak - 1,
      jsonb_array_length(p_limits->'cooldownSeconds') - 1)::integer)::integer;
  END IF;

  IF v.unverified >= (p_limits->>'hardDay')::integer THEN
    refusal := 'number_hard_day';
  ELSIF v_counter.failures >= (p_limits->>'refusingFailures')::integer AND NOT p_known
        AND (p_second_factor OR v.sends > 0) THEN
    refusal := 'factor_refusing';
  ELSIF NOT p_known AND v_counter.failing_until
        > now() + make_interval(secs => (p_limits->>'codeSeconds')::integer) THEN
    refusal := 'failing';
    wait_seconds := ceil(extract(epoch FROM v_counter.failing_until - now()))::integer;
  ELSIF v.streak > 0 AND v.my_last + make_interval(secs => v_cooldown) > now() THEN
    refusal := 'cooldown';
    wait_seconds := ceil(extract(epoch FROM
      v.my_last + make_interval(secs => v_cooldown) - now()))::integer;
  ELSIF v.number_hour >= (p_limits->>'numberHour')::integer
        OR v.number_day >= (p_limits->>'numberDay')::integer
        OR v.address_hour >= (p_limits->>'addressHour')::integer
        OR v.address_day >= (p_limits->>'addressDay')::integer THEN
    IF p_known AND v.reserve_used < (p_limits->>'reserveSends')::integer THEN
      v_reserved := true;
    ELSIF v.mine > 0 THEN
      refusal := CASE WHEN v.address_hour >= (p_limits->>'addressHour')::integer
                        OR v.address_day >= (p_limits->>'addressDay')::integer
                      THEN 'address' ELSE 'number' END;
    END IF;
  END IF;

  IF refusal IS NULL THEN
    INSERT INTO phone_attempts (id, phone_key, address_key, kind, reserved)
    VALUES (p_send, p_phone, p_address, 'send', v_reserved);
    UPDATE phone_counters SET touched_at = now() WHERE phone_key = p_phone;
    resend_seconds := (p_limits->'cooldownSeconds'->>least(v.streak,
      jsonb_array_length(p_limits->'cooldownSeconds') - 1)::integer)::integer;
  ELSIF wait_seconds IS NULL THEN
    wait_seconds := greatest(1, ceil(extract(epoch FROM CASE
      WHEN refusal = 'number_hard_day' THEN v.first_unverified + interval '1 day'
      WHEN refusal = 'factor_refusing' THEN coalesce(v.last, now()) + interval '1 day'
      WHEN v.address_day >= (p_limits->>'addressDay')::integer THEN v.my_first_day + interval '1 day'
      WHEN v.number_day >= (p_limits->>'numberDay')::integer THEN v.first_day + interval '1 day'
      WHEN refusal = 'address' THEN v.my_first_hour + interval '1 hour'
      ELSE v.first_hour + interval '1 hour' END - now())))::integer;
  END IF;
END $$`;

/**
 * Takes one check before the code is compared, counted as a miss until \`settle_check\` says
 * otherwise. A number that keeps failing waits longer each time; a known address has a reserve.
 */
const TAKE_CHECK = `
CREATE FUNCTION take_check(
  p_phone bytea, p_address bytea, p_check uuid, p_known boolean, p_limits jsonb,
  OUT refusal text, OUT wait_seconds integer
) LANGUAGE plpgsql AS $$
DECLARE
  v_counter record;
  v record;
  v_reserved boolean := false;
  v_failures integer;
BEGIN
  INSERT INTO phone_counters (phone_key) VALUES (p_phone) ON CONFLICT DO NOTHING;
  SELECT failures, failing_until INTO v_counter
    FROM phone_counters WHERE phone_key = p_phone FOR UPDATE;
  SELECT count(*) AS number_day,
         count(*) FILTER (WHERE address_key = p_address AND NOT reserved) AS address_day,
         count(*) FILTER (WHERE address_key = p_address AND reserved) AS reserve_used,
         min(created_at) AS first,
         min(created_at) FILTER (WHERE address_key = p_address AND NOT reserved) AS my_first
    INTO v FROM phone_attempts
   WHERE phone_key = p_phone AND kind = 'check' AND created_at > now() - interval '1 day';

  IF v_counter.failing_until > now() THEN
    refusal := 'failing';
    wait_seconds := ceil(extract(epoch FROM v_counter.failing_until - now()))::integer;
  ELSIF v.number_day >= (p_limits->>'numberChecksDay')::integer THEN
    refusal := 'number';
  ELSIF v.address_day >= (p_limits->>'addressChecksDay')::integer THEN
    refusal := 'address';
  END IF;
  IF refusal IS NOT NULL AND p_known
     AND v.reserve_used < (p_limits->>'reserveChecks')::integer THEN
    v_reserved := true;
    refusal := NULL;
    wait_seconds := NULL;
  END IF;

  IF refusal IS NULL THEN
    v_failures := v_counter.failures + 1;
    INSERT INTO phone_attempts (id, phone_key, address_key, kind, reserved)
    VALUES (p_check, p_phone, p_address, 'check', v_reserved);
    UPDATE phone_counters
       SET failures = v_failures, touched_at = now(),
           failing_until = CASE WHEN v_failures >= (p_limits->>'waitFromFailures')::integer
             THEN now() + make_interval(secs => least(86400,
               60 * 2 ^ least(v_failures - (p_limits->>'waitFromFailures')::integer, 11))) END
     WHERE phone_key = p_phone;
  ELSIF wait_seconds IS NULL THEN
    wait_seconds := greatest(1,
      ceil(extract(epoch FROM CASE refusal WHEN 'address' THEN v.my_first ELSE v.first END
        + interval '1 day' - now())))::integer;
  END IF;
END $$`;

/** A right code: the check was no miss, its send is verified, the number's failures start anew. */
const SETTLE_CHECK = `
CREATE FUNCTION settle_check(p_phone bytea, p_check uuid, p_send uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE phone_counters
     SET failures = 0, failing_until = NULL, last_success_at = now(), touched_at = now()
   WHERE phone_key = p_phone;
  DELETE FROM phone_attempts WHERE id = p_check;
  UPDATE phone_attempts SET verified_at = now() WHERE id = p_send;
END $$`;
