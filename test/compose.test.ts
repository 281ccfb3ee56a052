import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadConfig } from '../src/config.ts';
import {
  type Compose,
  environmentOf,
  readCompose,
  readEnvFile,
  textsOf,
  variablesOf,
} from './compose/read.ts';
import { problemsOf } from './compose/rules.ts';

const docker = join(import.meta.dirname, '..', 'docker');
const files = { dev: join(docker, 'dev/compose.yml'), prod: join(docker, 'prod/compose.yml') };
const example = readEnvFile(join(docker, 'prod/.env.example'));
const KEY = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
const SECRETS = ['POSTGRES_PASSWORD', 'DB_MIGRATION_PASSWORD', 'DB_PASSWORD', 'REDIS_PASSWORD'];
/** The example as an operator fills it in. */
const filled = {
  ...example,
  ...Object.fromEntries(SECRETS.map((name) => [name, 'chosen'])),
  KEY_ENCRYPTION_KEYS: KEY,
  CODE_PEPPERS: KEY,
  JWT_ISSUER: 'https://auth.example',
  JWT_AUDIENCE: 'whispr',
  PUBLIC_URL: 'https://auth.example',
};

function serviceOf(compose: Compose, name: string) {
  return new Map(compose.services).get(name) ?? {};
}

describe('the compose file for development', () => {
  test('follows the rules of the Compose Specification', () => {
    expect(problemsOf(readCompose(files.dev, {}))).toEqual([]);
  });

  test.each([
    ['nothing is set', {}],
    ['the example for production was copied unchanged', example],
  ])('gives the service a complete configuration when %s', (_when, variables) => {
    const compose = readCompose(files.dev, variables);

    expect(loadConfig(environmentOf(serviceOf(compose, 'auth'), variables))).toMatchObject({
      nodeEnv: 'development',
      dbMigrationsRun: true,
      smsProviders: [{ name: 'inbox', weight: 0 }],
    });
  });

  test('is reachable from this machine only', () => {
    const { services } = readCompose(files.dev, {});
    const ports = services.flatMap(([, service]) => textsOf(service['ports']));

    expect(ports).toContain('127.0.0.1:9229:9229');
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });
});

describe('the compose file for production', () => {
  test('follows the rules of the Compose Specification', () => {
    expect(problemsOf(readCompose(files.prod, filled))).toEqual([]);
  });

  test('gives the service a complete configuration once the example is filled in', () => {
    const compose = readCompose(files.prod, filled);

    expect(loadConfig(environmentOf(serviceOf(compose, 'auth'), filled))).toMatchObject({
      nodeEnv: 'production',
      dbUsername: 'auth_app',
      dbMigrationsRun: false,
    });
  });

  test('does not start on the example as it is', () => {
    expect(() => readCompose(files.prod, example)).toThrow('is required in docker/prod/.env');
  });

  test('keeps the passwords that change the schema from the service', () => {
    const compose = readCompose(files.prod, filled);
    const environment = environmentOf(serviceOf(compose, 'auth'), filled);

    expect(environment).toMatchObject({ POSTGRES_PASSWORD: '', DB_MIGRATION_PASSWORD: '' });
  });

  test('publishes the edge and nothing else', () => {
    const { services } = readCompose(files.prod, filled);
    const published = services.filter(([, service]) => service['ports'] !== undefined);

    expect(published.map(([name]) => name)).toEqual(['envoy']);
  });

  test('has no default for a secret', () => {
    const secrets = variablesOf(files.prod).filter(({ name }) =>
      /PASSWORD|KEYS?$|PEPPERS/.test(name),
    );

    expect(secrets.length).toBeGreaterThan(0);
    expect(secrets.filter(({ kind }) => kind !== ':?')).toEqual([]);
  });
});

describe('the example of settings', () => {
  test('names every variable that the production file reads', () => {
    const missing = variablesOf(files.prod).filter(({ name }) => !(name in example));

    expect(missing).toEqual([]);
  });

  test('holds no usable secret', () => {
    const secrets = Object.entries(example).filter(([name]) =>
      /PASSWORD|KEYS?$|PEPPERS/.test(name),
    );

    expect(secrets.length).toBeGreaterThan(0);
    expect(secrets.filter(([, value]) => value !== '')).toEqual([]);
  });
});

describe('the rules', () => {
  test.each([
    ['an unknown key', { image: 'a:1', comand: 'x' }, /unknown key comand/],
    ['no image', {}, /needs an image or a build/],
    ['an image without a version', { image: 'a:latest' }, /without a version/],
    [
      'a stage that does not exist',
      { build: { context: '../..', dockerfile: 'docker/Dockerfile', target: 'x' } },
      /builds x/,
    ],
    ['a missing dependency', { image: 'a:1', depends_on: { b: {} } }, /depends on b/],
    ['an undeclared volume', { image: 'a:1', volumes: ['data:/data'] }, /mounts data/],
    ['an impossible port', { image: 'a:1', ports: ['x:1'] }, /no port/],
  ])('find %s in a service', (_what, service, problem) => {
    const compose = {
      folder: join(docker, 'dev'),
      document: {},
      services: [['a', service]],
    } as const;

    expect(problemsOf(compose).join('\n')).toMatch(problem);
  });
});
