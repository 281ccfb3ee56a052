import pg from 'pg';
import { DataSource } from 'typeorm';
import type { DataSourceOptions } from 'typeorm';
import type { DatabaseConfig } from '../config.ts';
import { Secret } from '../platform/secret.ts';
import { XID8 } from './columns.ts';
import { entities } from './entities.ts';
import { PostgresNaming } from './naming.ts';
import { queryLog } from './query-log.ts';
import type { Log } from './query-log.ts';

/** Where PostgreSQL is and how long we wait for it. `url` replaces host … name. */
export interface DatabaseOptions {
  readonly url?: Secret<string> | undefined;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password?: Secret<string> | undefined;
  readonly name: string;
  readonly ssl?: boolean | { readonly ca: string } | undefined;
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly idleInTransactionTimeoutMs: number;
  readonly applicationName: string;
  /** Logs the text of TypeORM's statements, never their parameters. */
  readonly logging: boolean;
  /** Lets TypeORM change the schema at start; the configuration refuses it in production. */
  readonly synchronize: boolean;
  readonly log: Log;
}

const IDLE_CONNECTION_MS = 60_000;

/** The data source of a process; it connects at `initialize()`. */
export function createDataSource(options: DatabaseOptions): DataSource {
  const dataSource = new DataSource(typeormOptions(options));
  dataSource.driver.supportedDataTypes.push(XID8);
  return dataSource;
}

/** pg's own pool inside an initialized data source, for `Database`. */
export function poolOf(dataSource: DataSource): pg.Pool {
  const { driver } = dataSource;
  const pool: unknown = 'master' in driver ? driver.master : undefined;
  if (!(pool instanceof pg.Pool)) throw new Error('The data source is not initialized');
  return pool;
}

/** The serving role's options. */
export function servingOptions(config: DatabaseConfig, log: Log): DatabaseOptions {
  return {
    url: config.dbUrl,
    host: config.dbHost,
    port: config.dbPort,
    username: config.dbUsername,
    password: config.dbPassword,
    name: config.dbName,
    poolSize: config.dbPoolSize,
    connectTimeoutMs: config.dbConnectTimeoutMs,
    statementTimeoutMs: config.dbStatementTimeoutMs,
    idleInTransactionTimeoutMs: config.dbIdleInTransactionTimeoutMs,
    applicationName: 'auth-service',
    logging: config.dbLogging,
    synchronize: config.dbSynchronize,
    log,
  };
}

/** The migrating role's options: its own user when one is set, never `synchronize`. */
export function migratingOptions(config: DatabaseConfig, log: Log): DatabaseOptions {
  const serving = servingOptions(config, log);
  const { dbMigrationUsername: username, dbMigrationPassword: password } = config;
  return {
    ...serving,
    ...(username === undefined
      ? {}
      : { username, password, url: urlAs(serving.url, username, password) }),
    poolSize: 1,
    applicationName: 'auth-service-migrate',
    synchronize: false,
  };
}

function urlAs(url: Secret<string> | undefined, username: string, password?: Secret<string>) {
  if (url === undefined) return undefined;
  const other = new URL(url.reveal());
  other.username = encodeURIComponent(username);
  other.password = encodeURIComponent(password?.reveal() ?? '');
  return new Secret(other.href);
}

function typeormOptions(options: DatabaseOptions): DataSourceOptions {
  return {
    type: 'postgres',
    driver: pg,
    ...address(options),
    ssl: options.ssl,
    entities,
    namingStrategy: new PostgresNaming(),
    synchronize: options.synchronize,
    installExtensions: false,
    uuidExtension: 'pgcrypto',
    poolSize: options.poolSize,
    connectTimeoutMS: options.connectTimeoutMs,
    applicationName: options.applicationName,
    logger: queryLog(options.log, options.logging),
    // Without a handler the error of an idle connection would end the process.
    poolErrorHandler: (error: Error) =>
      options.log.warn(`An idle PostgreSQL connection was lost: ${error.message}`),
    extra: {
      statement_timeout: options.statementTimeoutMs,
      idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs,
      idleTimeoutMillis: IDLE_CONNECTION_MS,
      keepAlive: true,
    },
  };
}

function address(options: DatabaseOptions) {
  if (options.url !== undefined) return { url: options.url.reveal() };
  return {
    host: options.host,
    port: options.port,
    username: options.username,
    password: options.password?.reveal(),
    database: options.name,
  };
}
