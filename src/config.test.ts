import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConfigError, isProduction, loadConfig, loadDatabaseConfig } from './config.ts';
import { settings } from './config/table.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const keys = (kid: string, fill: number) => `${kid}:${Buffer.alloc(32, fill).toString('base64')}`;

/** The least that a configuration needs. */
const least: Environment = {
  NODE_ENV: 'test',
  JWT_ISSUER: 'https://auth.example',
  JWT_AUDIENCE: 'whispr',
  KEY_ENCRYPTION_KEYS: keys('a', 1),
  CODE_PEPPERS: keys('a', 2),
};

function problemsOf(change: Environment, base: Environment = least): readonly string[] {
  try {
    loadConfig({ ...base, ...change });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
}

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function fileWith(content: string): string {
  const path = join(folder, `value-${content.length}`);
  writeFileSync(path, content);
  return path;
}

describe('the configuration', () => {
  test('needs little and has a default for the rest', () => {
    const config = loadConfig(least);

    expect(config).toMatchObject({ dbPort: 5432, redisPort: 6379, grpcPort: 50_051 });
    expect(config.accessTokenTtlSeconds).toBe(600);
    expect(config.keyEncryptionKeys.reveal().map(({ kid }) => kid)).toEqual(['a']);
  });

  test('tells every problem at once', () => {
    const problems = problemsOf({
      JWT_ISSUER: undefined,
      DB_PORT: 'many',
      REDIS_DB: '-1',
      LOG_LEVEL: 'loud',
      DB_TYPO: 'x',
    });

    expect(problems).toEqual([
      'DB_TYPO is not a setting of this service; see docs/configuration.md',
      "LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent (it is 'loud')",
      "DB_PORT must be a whole number from 1 to 65535 (it is 'many')",
      "REDIS_DB must be a whole number from 0 to 100000 (it is '-1')",
      'JWT_ISSUER is required: iss of every token',
    ]);
  });

  test('has a message that lists them for the operator', () => {
    expect(() => loadConfig({ ...least, DB_PORT: '0', REDIS_DB: 'x' })).toThrow(
      /2 problem\(s\):\n- DB_PORT .*\n- REDIS_DB /,
    );
  });

  test('takes an empty variable as one that is not set', () => {
    expect(loadConfig({ ...least, DB_PORT: '' }).dbPort).toBe(5432);
    expect(problemsOf({ JWT_ISSUER: '' })).toHaveLength(1);
  });

  test('has every variable once', () => {
    const names = Object.values(settings).map(({ name }) => name);

    expect(new Set(names).size).toBe(names.length);
  });
});

describe('a value in a file', () => {
  test('is read from the file that NAME_FILE names, without its line end', () => {
    const path = fileWith('https://from.file\n');
    const config = loadConfig({ ...least, JWT_ISSUER: undefined, JWT_ISSUER_FILE: path });

    expect(config.jwtIssuer).toBe('https://from.file');
  });

  test('is accepted for every variable', () => {
    const { name } = settings.codePeppers;
    const path = fileWith(`${keys('b', 3)}\n`);
    const config = loadConfig({ ...least, [name]: undefined, [`${name}_FILE`]: path });

    expect(config.codePeppers.reveal().map(({ kid }) => kid)).toEqual(['b']);
  });

  test('beside the variable itself is refused', () => {
    const path = fileWith('https://from.file');

    expect(problemsOf({ JWT_ISSUER_FILE: path })).toEqual([
      'JWT_ISSUER and JWT_ISSUER_FILE are both set; keep one',
    ]);
  });

  test('that cannot be read is a problem of its own', () => {
    const path = join(folder, 'missing');
    const problems = problemsOf({ JWT_ISSUER: undefined, JWT_ISSUER_FILE: path });

    expect(problems).toContain(`JWT_ISSUER_FILE names '${path}', which cannot be read`);
  });
});

describe('secrets', () => {
  test.each(['KEY_ENCRYPTION_KEYS', 'CODE_PEPPERS'])(
    'of %s are not in the problem that they cause',
    (name) => {
      const problems = problemsOf({ [name]: 'a:c3dvcmRmaXNo' });

      expect(problems).toHaveLength(1);
      expect(problems.join()).not.toContain('c3dvcmRmaXNo');
    },
  );

  test('are not printed with the configuration', () => {
    const config = loadConfig({
      ...least,
      DB_PASSWORD: 'swordfish',
      REDIS_PASSWORD: 'swordfish',
      DB_URL: 'postgres://user:swordfish@host/name',
    });

    expect(inspect(config, { depth: 9 })).not.toContain('swordfish');
    expect(JSON.stringify(config)).not.toContain('swordfish');
  });

  test('are all those whose name says so', () => {
    const telling = /(PASSWORD|PRIVATE_KEY|_KEYS|PEPPERS|TOKEN|SECRET|_URL)$/;
    const plain = Object.values(settings)
      .filter(({ name, secret }) => telling.test(name) && !secret)
      .map(({ name }) => name);

    expect(plain).toEqual(['SMS_INBOX_URL', 'TWILIO_API_URL', 'VONAGE_API_URL', 'PUBLIC_URL']);
  });

  test.each([
    ['31 bytes', `a:${Buffer.alloc(31).toString('base64')}`],
    ['33 bytes', `a:${Buffer.alloc(33).toString('base64')}`],
    ['no kid', `:${Buffer.alloc(32).toString('base64')}`],
    ['no colon', Buffer.alloc(32).toString('base64')],
    ['a kid with a blank', `a b:${Buffer.alloc(32).toString('base64')}`],
    ['no key at all', ','],
    ['the same kid twice', `${keys('a', 1)},${keys('a', 2)}`],
  ])('that are keys with %s are refused', (_name, value) => {
    expect(problemsOf({ CODE_PEPPERS: value })).toHaveLength(1);
  });

  test('that are several keys keep their order, newest first', () => {
    const config = loadConfig({ ...least, CODE_PEPPERS: `${keys('new', 1)}, ${keys('old', 2)}` });

    expect(config.codePeppers.reveal().map(({ kid }) => kid)).toEqual(['new', 'old']);
  });
});

describe('a name', () => {
  test.each(['DB_PASSWROD', 'REDIS_HOSTS', 'JWT_ISSUER_FILES', 'SMS_PROVIDER', 'VERIFICATION_TTL'])(
    '%s that looks like ours and is none is refused',
    (name) => {
      expect(problemsOf({ [name]: 'x' })).toEqual([
        `${name} is not a setting of this service; see docs/configuration.md`,
      ]);
    },
  );

  test.each([
    'REDIS_SERVICE_HOST',
    'REDIS_SERVICE_PORT_TCP',
    'REDIS_PORT_6379_TCP',
    'REDIS_PORT_6379_TCP_ADDR',
    'DB_PORT_5432_TCP_PROTO',
    'PATH',
    'NODE_OPTIONS',
    'LOG_DIR',
    'KUBERNETES_PORT',
  ])('%s that belongs to others is left alone', (name) => {
    expect(problemsOf({ [name]: 'x' })).toEqual([]);
  });

  test.each(['DB_PORT', 'REDIS_PORT', 'METRICS_PORT'])(
    '%s with the value of a Kubernetes service link is refused with the reason',
    (name) => {
      const problems = problemsOf({ [name]: 'tcp://10.0.0.1:5432' });

      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain('enableServiceLinks: false');
    },
  );
});

describe('the environment', () => {
  const without: Environment = { ...least, NODE_ENV: undefined };

  test.each([undefined, '', 'production', 'staging', 'Test', 'development ', 'dev'])(
    'is production when NODE_ENV is %j',
    (value) => {
      expect(isProduction(loadConfig({ ...without, NODE_ENV: value }))).toBe(true);
    },
  );

  test.each(['development', 'test'])('is not production when NODE_ENV is %s', (value) => {
    expect(isProduction(loadConfig({ ...without, NODE_ENV: value }))).toBe(false);
  });

  test('production trusts no edge and serves no reflection by itself', () => {
    const production = loadConfig(without);
    const local = loadConfig(least);

    expect(local.trustedEdgeCidrs.check('127.0.0.1')).toBe(true);
    expect(local.grpcReflection).toBe(true);
    expect(production.trustedEdgeCidrs.check('127.0.0.1')).toBe(false);
    expect(production.grpcReflection).toBe(false);
  });

  test.each([
    ['DB_SYNCHRONIZE', { DB_SYNCHRONIZE: 'true' }],
    ['SMS_PROVIDERS', { SMS_PROVIDERS: 'inbox', SMS_INBOX_URL: 'http://localhost:1' }],
    ['SERVICE_TEST_TOKEN', { SERVICE_TEST_TOKEN: 'a' }],
  ])('production refuses %s, development does not', (name, aids) => {
    const problems = problemsOf(aids, without);

    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(name);
    expect(problemsOf(aids)).toEqual([]);
  });
});

test('a migration needs the settings of the database and no others', () => {
  expect(loadDatabaseConfig({ NODE_ENV: 'production', DB_HOST: 'db' }).dbHost).toBe('db');
});
