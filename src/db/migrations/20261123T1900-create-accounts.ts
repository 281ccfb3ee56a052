import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Accounts, devices, sessions, and what proves or ends them. */
export class CreateAccounts1795460400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE users_auth (
        id uuid PRIMARY KEY,
        phone_number text UNIQUE CHECK (phone_number ~ '^\\+[1-9][0-9]{6,14}$'),
        two_factor_secret jsonb,
        two_factor_enabled boolean NOT NULL DEFAULT false,
        last_authenticated_at timestamptz,
        locked_down_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`
      CREATE TABLE devices (
        user_id uuid NOT NULL REFERENCES users_auth (id) ON DELETE CASCADE,
        id uuid NOT NULL,
        device_name text NOT NULL,
        device_type text NOT NULL,
        model text NOT NULL DEFAULT '',
        os_version text NOT NULL DEFAULT '',
        app_version text NOT NULL DEFAULT '',
        device_fingerprint text NOT NULL,
        public_key bytea,
        last_active timestamptz NOT NULL DEFAULT now(),
        is_verified boolean NOT NULL DEFAULT false,
        is_active boolean NOT NULL DEFAULT true,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (user_id, id),
        UNIQUE (user_id, device_fingerprint)
      )`);
    await runner.query(`
      CREATE TABLE sessions (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        device_id uuid NOT NULL,
        refresh_counter integer NOT NULL DEFAULT 0,
        rotated_at timestamptz NOT NULL DEFAULT now(),
        late_refreshes timestamptz[] NOT NULL DEFAULT '{}',
        auth_time timestamptz NOT NULL DEFAULT now(),
        amr text[] NOT NULL,
        acr text NOT NULL,
        ip_prefix cidr NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        last_seen_at timestamptz NOT NULL DEFAULT now(),
        idle_expires_at timestamptz NOT NULL,
        absolute_expires_at timestamptz NOT NULL,
        stepped_up_at timestamptz,
        revoked_at timestamptz,
        revoke_reason text,
        FOREIGN KEY (user_id, device_id) REFERENCES devices (user_id, id) ON DELETE CASCADE,
        CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
      ) WITH (fillfactor = 80)`);
    await runner.query(`
      CREATE INDEX sessions_living ON sessions (user_id, device_id) WHERE revoked_at IS NULL`);
    await runner.query(`
      CREATE TABLE revocations (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
        session_id uuid NOT NULL,
        user_id uuid NOT NULL,
        device_id uuid NOT NULL,
        reason text NOT NULL,
        revoked_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL
      )`);
    await runner.query('CREATE INDEX revocations_cursor ON revocations (xid, id)');
    await runner.query('CREATE INDEX revocations_expiry ON revocations (expires_at)');
    await runner.query(`
      CREATE TABLE consumed_verifications (
        id uuid PRIMARY KEY,
        consumed_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`
      CREATE TABLE backup_codes (
        user_id uuid NOT NULL REFERENCES users_auth (id) ON DELETE CASCADE,
        slot smallint NOT NULL CHECK (slot BETWEEN 0 AND 9),
        code_hash text NOT NULL,
        pepper_kid text NOT NULL,
        salt bytea NOT NULL,
        used boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (user_id, slot)
      )`);
    await runner.query(`
      CREATE TABLE signing_keys (
        kid text PRIMARY KEY,
        purpose text NOT NULL CHECK (purpose IN ('access', 'refresh')),
        state text NOT NULL CHECK (state IN ('pending', 'active', 'retired')),
        public_jwk jsonb NOT NULL,
        private_sealed jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        activated_at timestamptz,
        retired_at timestamptz
      )`);
    await runner.query(`
      CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (purpose) WHERE state = 'active'`);
    await runner.query(`
      CREATE UNIQUE INDEX signing_keys_one_pending ON signing_keys (purpose) WHERE state = 'pending'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE signing_keys, backup_codes, consumed_verifications, revocations, sessions, devices,
        users_auth`);
  }
}
