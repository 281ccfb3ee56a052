import { describe, expect, test } from '@jest/globals';
import { Secret } from '../platform/secret.ts';
import { createDataSource, migratingOptions, poolOf, servingOptions } from './data-source.ts';

const log = { info: () => undefined, warn: () => undefined };

const config = {
  dbUrl: undefined,
  dbHost: 'db',
  dbPort: 5432,
  dbUsername: 'auth_app',
  dbPassword: new Secret('serving'),
  dbName: 'auth',
  dbMigrationUsername: 'auth_owner',
  dbMigrationPassword: new Secret('m/grating'),
  dbAppRole: 'auth_app',
  dbMigrationsRun: false,
  dbSynchronize: true,
  dbLogging: false,
  dbPoolSize: 10,
  dbPrepared: true,
  dbConnectTimeoutMs: 2_000,
  dbStatementTimeoutMs: 4_000,
  dbIdleInTransactionTimeoutMs: 5_000,
};

describe('the data source', () => {
  test('migrates as the migrating role, and never synchronizes then', () => {
    const options = migratingOptions(config, log);

    expect(options.username).toBe('auth_owner');
    expect(options.password?.reveal()).toBe('m/grating');
    expect(options.synchronize).toBe(false);
  });

  test('migrates as the serving role when there is no other', () => {
    const options = migratingOptions({ ...config, dbMigrationUsername: undefined }, log);

    expect(options.username).toBe('auth_app');
    expect(options.password?.reveal()).toBe('serving');
  });

  test('puts the migrating role into DB_URL', () => {
    const dbUrl = new Secret('postgres://auth_app:serving@db:5432/auth?sslmode=require');

    expect(migratingOptions({ ...config, dbUrl }, log).url?.reveal()).toBe(
      'postgres://auth_owner:m%2Fgrating@db:5432/auth?sslmode=require',
    );
  });

  test('has no pool before it is initialized', () => {
    const dataSource = createDataSource(servingOptions(config, log));

    expect(() => poolOf(dataSource)).toThrow('not initialized');
  });
});
