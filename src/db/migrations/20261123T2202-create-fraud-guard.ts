import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The truth about what codes cost and where they go. `fraud_sends` is a log of sends without
 * numbers, so prefixes are judged exactly and decisions can be replayed; the rows of
 * `fraud_prefixes` and `spend_counters` are the locks that make limits hold in parallel.
 */
export class CreateFraudGuard1795471320000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Fillfactor: their rows are updated in place with every send, without touching an index.
    await runner.query(`
      CREATE TABLE spend_counters (
        country text,
        day date,
        spent bigint NOT NULL DEFAULT 0 CHECK (spent >= 0),
        hour timestamptz NOT NULL DEFAULT '-infinity',
        hour_sends integer NOT NULL DEFAULT 0 CHECK (hour_sends >= 0),
        PRIMARY KEY (country, day)
      ) WITH (fillfactor = 50)`);
    await runner.query(`
      CREATE TABLE fraud_prefixes (
        prefix text PRIMARY KEY,
        blocked_until timestamptz,
        block_seconds integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`
      CREATE TABLE fraud_sends (
        id uuid PRIMARY KEY,
        country text NOT NULL,
        prefix text NOT NULL,
        number_kind text NOT NULL,
        purpose text NOT NULL,
        phone_key bytea NOT NULL,
        address_key bytea NOT NULL,
        is_linked boolean NOT NULL DEFAULT true,
        price bigint NOT NULL,
        decision text NOT NULL CHECK (decision IN ('sent', 'flagged', 'refused', 'returned')),
        reason text,
        verified_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT fraud_sends_reason_check CHECK (decision IN ('sent', 'returned') OR reason IS NOT NULL)
      ) WITH (fillfactor = 90)`);
    await runner.query('CREATE INDEX fraud_sends_window ON fraud_sends (prefix, created_at)');
    await runner.query('CREATE INDEX fraud_sends_age ON fraud_sends (created_at, id)');
    await runner.query(
      'CREATE INDEX fraud_sends_linked ON fraud_sends (created_at) WHERE is_linked',
    );
    await runner.query(TAKE_SPEND);
    await runner.query(RETURN_SPEND);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION return_spend(uuid)');
    await runner.query(
      'DROP FUNCTION take_spend(uuid, text, text, text, text, bytea, bytea, bigint, jsonb, jsonb)',
    );
    await runner.query('DROP TABLE fraud_sends, fraud_prefixes, spend_counters');
  }
}

/**
 * Takes one send from the budgets of its country, or says why not and for how long. Locks the prefix
 * first and the country last: the country's row is the one that many wait for, and a prefix that is
 * blocked never gets there. Nobody holds two prefixes or two countries, so nobody waits in a circle.
 * `p_standing`: `trusted` (the address signed in to the account before) passes a blocked prefix,
 * `reserve` may use what is kept for logins, `forced` takes whatever is found (record mode).
 */
const TAKE_SPEND = `
CREATE FUNCTION take_spend(
  p_send uuid, p_country text, p_prefix text, p_kind text, p_purpose text,
  p_phone bytea, p_address bytea, p_price bigint, p_standing jsonb, p_limits jsonb,
  OUT refusal text, OUT wait_seconds integer
) LANGUAGE plpgsql AS $$
DECLARE
  v_prefix record;
  v_window record;
  v_country record;
  v_block integer;
  v_until timestamptz;
  v_hour timestamptz := date_trunc('hour', now(), 'UTC');
  v_day date := (now() AT TIME ZONE 'UTC')::date;
  v_percent integer := 100;
BEGIN
  INSERT INTO fraud_prefixes (prefix) VALUES (p_prefix) ON CONFLICT DO NOTHING;
  SELECT blocked_until, block_seconds INTO v_prefix
    FROM fraud_prefixes WHERE prefix = p_prefix FOR UPDATE;

  IF v_prefix.blocked_until > now() THEN
    v_until := v_prefix.blocked_until;
  ELSE
    SELECT count(*) AS sends, count(verified_at) AS verified INTO v_window
      FROM (SELECT verified_at,
                   row_number() OVER (PARTITION BY address_key ORDER BY created_at, id) AS of_address,
                   row_number() OVER (PARTITION BY phone_key ORDER BY created_at, id) AS of_phone
              FROM fraud_sends
             WHERE prefix = p_prefix AND decision IN ('sent', 'flagged')
               AND created_at > now() - make_interval(secs => (p_limits->>'windowSeconds')::integer)
           ) AS recent
     WHERE of_address <= (p_limits->>'share')::integer AND of_phone <= (p_limits->>'share')::integer;
    IF v_window.sends >= (p_limits->>'minSends')::integer
       AND v_window.verified * 100 < v_window.sends * (p_limits->>'minConversionPercent')::integer THEN
      v_block := (p_limits->>'blockSeconds')::integer;
      IF v_prefix.blocked_until > now() - interval '1 day' THEN
        v_block := v_prefix.block_seconds * 2;
      END IF;
      v_block := least(v_block, (p_limits->>'blockMaxSeconds')::integer);
      v_until := now() + make_interval(secs => v_block);
      UPDATE fraud_prefixes SET blocked_until = v_until, block_seconds = v_block
       WHERE prefix = p_prefix;
    END IF;
  END IF;
  IF v_until IS NOT NULL AND NOT (p_standing->>'trusted')::boolean THEN
    refusal := 'prefix';
    wait_seconds := greatest(1, ceil(extract(epoch FROM v_until - now())))::integer;
    IF NOT (p_standing->>'forced')::boolean THEN
      RETURN;
    END IF;
  END IF;

  INSERT INTO spend_counters (country, day) VALUES (p_country, v_day) ON CONFLICT DO NOTHING;
  SELECT spent, CASE WHEN hour = v_hour THEN hour_sends ELSE 0 END AS sends INTO v_country
    FROM spend_counters WHERE country = p_country AND day = v_day FOR UPDATE;
  IF NOT (p_standing->>'reserve')::boolean THEN
    v_percent := 100 - (p_limits->>'reservePercent')::integer;
  END IF;
  IF refusal IS NOT NULL THEN
    NULL;
  ELSIF (v_country.spent + p_price) * 100 > (p_limits->>'spendPerDay')::bigint * v_percent THEN
    refusal := CASE WHEN v_country.spent + p_price > (p_limits->>'spendPerDay')::bigint
                    THEN 'country_day' ELSE 'country_reserve' END;
    wait_seconds := greatest(1, ceil(extract(epoch FROM
      (v_day + 1)::timestamp AT TIME ZONE 'UTC' - now())))::integer;
  ELSIF (v_country.sends + 1) * 100 > (p_limits->>'sendsPerHour')::bigint * v_percent THEN
    refusal := CASE WHEN v_country.sends + 1 > (p_limits->>'sendsPerHour')::bigint
                    THEN 'country_hour' ELSE 'country_reserve' END;
    wait_seconds := greatest(1, ceil(extract(epoch FROM v_hour + interval '1 hour' - now())))::integer;
  END IF;

  IF refusal IS NULL OR (p_standing->>'forced')::boolean THEN
    UPDATE spend_counters
       SET spent = spent + p_price, hour = v_hour, hour_sends = v_country.sends + 1
     WHERE country = p_country AND day = v_day;
    INSERT INTO fraud_sends (id, country, prefix, number_kind, purpose, phone_key, address_key, price,
                             decision, reason)
    VALUES (p_send, p_country, p_prefix, p_kind, p_purpose, p_phone, p_address, p_price,
            CASE WHEN refusal IS NULL THEN 'sent' ELSE 'flagged' END, refusal);
  END IF;
END $$`;

/** Gives back what a send took that reached nobody; once, and never for one that was verified. */
const RETURN_SPEND = `
CREATE FUNCTION return_spend(p_send uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_send record;
BEGIN
  UPDATE fraud_sends SET decision = 'returned'
   WHERE id = p_send AND decision IN ('sent', 'flagged') AND verified_at IS NULL
  RETURNING country, price, created_at INTO v_send;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE spend_counters
     SET spent = spent - v_send.price,
         hour_sends = hour_sends - (hour = date_trunc('hour', v_send.created_at, 'UTC'))::integer
   WHERE country = v_send.country AND day = (v_send.created_at AT TIME ZONE 'UTC')::date;
END $$`;
