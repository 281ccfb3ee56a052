import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Public key material of devices. Keys belong to a device as well as to a user. */
export class CreateKeys1795460460000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE identity_keys (
        user_id uuid NOT NULL,
        device_id uuid NOT NULL,
        public_key bytea NOT NULL CHECK (octet_length(public_key) = 33),
        private_key_encrypted bytea,
        registration_id integer CHECK (registration_id BETWEEN 1 AND 16383),
        legacy_encoding boolean NOT NULL,
        signature_verified boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (user_id, device_id),
        FOREIGN KEY (user_id, device_id) REFERENCES devices (user_id, id) ON DELETE CASCADE
      )`);
    await runner.query(`
      CREATE TABLE signed_prekeys (
        user_id uuid NOT NULL,
        device_id uuid NOT NULL,
        key_id integer NOT NULL CHECK (key_id >= 0),
        public_key bytea NOT NULL CHECK (octet_length(public_key) = 33),
        signature bytea NOT NULL CHECK (octet_length(signature) = 64),
        signature_verified boolean NOT NULL DEFAULT false,
        expires_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (user_id, device_id),
        FOREIGN KEY (user_id, device_id) REFERENCES devices (user_id, id) ON DELETE CASCADE
      )`);
    await runner.query(`
      CREATE TABLE prekeys (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        user_id uuid NOT NULL,
        device_id uuid NOT NULL,
        key_id integer NOT NULL CHECK (key_id >= 0),
        public_key bytea NOT NULL CHECK (octet_length(public_key) = 33),
        is_one_time boolean NOT NULL DEFAULT true,
        is_used boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (user_id, device_id, key_id),
        FOREIGN KEY (user_id, device_id) REFERENCES devices (user_id, id) ON DELETE CASCADE
      )`);
    await runner.query(`
      CREATE TABLE kem_prekeys (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        user_id uuid NOT NULL,
        device_id uuid NOT NULL,
        key_id integer NOT NULL CHECK (key_id >= 0),
        public_key bytea NOT NULL CHECK (octet_length(public_key) = 1569),
        signature bytea NOT NULL CHECK (octet_length(signature) = 64),
        signature_verified boolean NOT NULL DEFAULT false,
        is_last_resort boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (user_id, device_id, key_id),
        FOREIGN KEY (user_id, device_id) REFERENCES devices (user_id, id) ON DELETE CASCADE
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE kem_prekeys, prekeys, signed_prekeys, identity_keys');
  }
}
