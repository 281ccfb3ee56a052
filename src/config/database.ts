import { flag, integer, secret, text } from './read.ts';
import { setting, optional, hidden } from './setting.ts';

/** PostgreSQL. */
export const databaseSettings = {
  dbUrl: hidden(optional('DB_URL', secret, 'postgres:// URL; replaces DB_HOST … DB_NAME')),
  dbHost: setting('DB_HOST', text, 'localhost', 'PostgreSQL host'),
  dbPort: setting('DB_PORT', integer(1, 65_535), 5432, 'PostgreSQL port'),
  dbUsername: setting('DB_USERNAME', text, 'auth_app', 'role that serves'),
  dbPassword: hidden(optional('DB_PASSWORD', secret, 'password of DB_USERNAME')),
  dbName: setting('DB_NAME', text, 'auth', 'database'),
  dbMigrationUsername: optional(
    'DB_MIGRATION_USERNAME',
    text,
    'role that migrates; unset = DB_USERNAME',
  ),
  dbMigrationPassword: hidden(
    optional('DB_MIGRATION_PASSWORD', secret, 'password of DB_MIGRATION_USERNAME'),
  ),
  dbAppRole: setting(
    'DB_APP_ROLE',
    text,
    'auth_app',
    'role that migrations grant the serving rights to',
  ),
  dbMigrationsRun: setting('DB_MIGRATIONS_RUN', flag, false, 'run migrations at start'),
  dbSynchronize: setting(
    'DB_SYNCHRONIZE',
    flag,
    false,
    'let TypeORM change the schema; refused in production',
  ),
  dbLogging: setting('DB_LOGGING', flag, false, 'log the text of cold-path SQL'),
  dbPoolSize: setting('DB_POOL_SIZE', integer(1, 100), 10, 'connections per process'),
  dbPrepared: setting(
    'DB_PREPARED',
    flag,
    true,
    'name prepared statements; false behind a pooler that cannot keep them',
  ),
  dbConnectTimeoutMs: setting(
    'DB_CONNECT_TIMEOUT_MS',
    integer(100, 30_000),
    2_000,
    'longest wait for a connection',
  ),
  dbStatementTimeoutMs: setting(
    'DB_STATEMENT_TIMEOUT_MS',
    integer(100, 60_000),
    4_000,
    'longest statement',
  ),
  dbIdleInTransactionTimeoutMs: setting(
    'DB_IDLE_IN_TRANSACTION_TIMEOUT_MS',
    integer(1_000, 60_000),
    5_000,
    'longest idle open transaction',
  ),
};
