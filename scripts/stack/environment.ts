import { settings } from '../../src/config/table.ts';
import { APP_ROLE, OWNER_ROLE } from '../stores/roles.ts';
import { folders } from './folders.ts';
import type { Ports } from './ports.ts';
import type { Secrets } from './secrets.ts';

/** The stack's database. */
export const DATABASE = 'auth';

/** What the service gets from the local stack: it decides the stores, the caller may set anything else. */
export function serviceEnvironment(ports: Ports, secrets: Secrets): NodeJS.ProcessEnv {
  return {
    ...systemEnvironment(),
    ...defaults(ports),
    ...callersSettings(),
    NODE_ENV: 'development',
    GRPC_PORT: String(ports.grpc),
    METRICS_PORT: String(ports.metrics),
    ...storeEnvironment(ports, secrets),
    DB_MIGRATIONS_RUN: 'true',
    DB_MIGRATION_USERNAME: OWNER_ROLE,
    DB_MIGRATION_PASSWORD: secrets.ownerPassword,
    KEY_ENCRYPTION_KEYS: `local:${secrets.keyEncryptionKey}`,
    CODE_PEPPERS: `local:${secrets.codePepper}`,
  };
}

/** What every program needs of the caller's environment, and nothing that configures it by accident. */
export function systemEnvironment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'USER', 'LANG', 'TERM', 'TMPDIR', 'NODE_OPTIONS'];
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

function storeEnvironment(ports: Ports, secrets: Secrets): NodeJS.ProcessEnv {
  return {
    DB_HOST: '127.0.0.1',
    DB_PORT: String(ports.postgres),
    DB_NAME: DATABASE,
    DB_USERNAME: APP_ROLE,
    DB_PASSWORD: secrets.appPassword,
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(ports.valkey),
    REDIS_PASSWORD: secrets.redisPassword,
  };
}

function defaults(ports: Ports): NodeJS.ProcessEnv {
  return {
    GRPC_HOST: '127.0.0.1',
    METRICS_ENABLED: 'true',
    JWT_ISSUER: 'whispr-auth',
    JWT_AUDIENCE: 'whispr',
    SMS_PROVIDERS: 'inbox',
    SMS_INBOX_URL: `http://127.0.0.1:${ports.inbox}`,
    // The deployed app signs with keys that only the legacy policy can accept.
    KEY_SIGNATURE_POLICY: 'legacy',
    CORS_ORIGINS: 'http://localhost:3000,http://localhost:8081,http://localhost:19006',
    PUBLIC_URL: `http://localhost:${ports.rest}`,
    STATE_DIR: folders.state,
    // Lets a developer call what is for internal services: just call … -H 'x-test-caller: local'.
    SERVICE_TEST_TOKEN: 'local',
    // One replica behind a local Envoy: nobody waits for health intervals.
    DRAIN_DELAY_MS: '0',
  };
}

/** Settings of the service that the caller's shell names, other than those of the stores. */
function callersSettings(): NodeJS.ProcessEnv {
  const names = Object.values(settings).flatMap(({ name }) => [name, `${name}_FILE`]);
  const ours = /^(DB|REDIS)_/;
  const set = names.filter((name) => !ours.test(name) && process.env[name] !== undefined);
  return Object.fromEntries(set.map((name) => [name, process.env[name]]));
}
