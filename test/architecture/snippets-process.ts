import type { Case } from './case.ts';

const ENVIRONMENT = 'only the configuration reads the environment';
const PROCESS = 'only main.ts touches the process';
const RESOURCES = 'resources are made in factories';
const CONSTRUCTS = 'only the composition constructs';
const SECRETS = 'secrets are revealed at the end';

export const PROCESS_CASES: readonly Case[] = [
  {
    rule: ENVIRONMENT,
    does: 'reads a variable, in any spelling',
    files: {
      'src/phone/a.ts': "const a = process.env.A;\nconst b = globalThis.process['env'];",
    },
    found: ['src/phone/a.ts:1 reads the environment', 'src/phone/a.ts:2 reads the environment'],
  },
  {
    rule: ENVIRONMENT,
    does: 'is the configuration',
    files: { 'src/config.ts': 'const a = process.env;' },
    found: [],
  },
  {
    rule: PROCESS,
    does: 'listens to a signal, ends the process or takes it apart',
    files: {
      'src/jobs.ts': [
        "process.on('SIGTERM', stop);",
        'process.exitCode = 1;',
        'const { env } = process;',
        "import process from 'node:process';",
      ].join('\n'),
    },
    found: [
      'src/jobs.ts:1 touches process.on',
      'src/jobs.ts:2 touches process.exitCode',
      'src/jobs.ts:3 touches process.process',
      'src/jobs.ts:4 touches process.process',
    ],
  },
  {
    rule: PROCESS,
    does: 'is main.ts, or only uses the word',
    files: {
      'src/main.ts': "process.once('SIGTERM', stop);",
      'src/config/table.ts':
        "import { a } from './process.ts';\nconst b = { process: 1 };\nb.process += 1;",
    },
    found: [],
  },
  {
    rule: RESOURCES,
    does: 'opens a pool or a server beside the factories',
    files: {
      'src/phone/sms.ts': "import { Pool } from 'pg';\nimport { createServer } from 'node:http';",
    },
    found: [
      'src/phone/sms.ts:1 makes Pool of pg',
      'src/phone/sms.ts:2 makes createServer of node:http',
    ],
  },
  {
    rule: RESOURCES,
    does: 'is a factory, or imports the type of a resource',
    files: {
      'src/platform/metrics-server.ts': "import { createServer } from 'node:http';",
      'src/phone/a.ts': "import type { Pool } from 'pg';",
    },
    found: [],
  },
  {
    rule: CONSTRUCTS,
    does: 'calls a factory or makes an object of another unit',
    files: {
      'src/phone/request.ts': [
        "import { openRedis } from '../platform/redis-connect.ts';",
        "import { Limiter } from '../limits/limiter.ts';",
        'const redis = openRedis();',
        'const limiter = new Limiter({ redis });',
      ].join('\n'),
    },
    found: [
      'src/phone/request.ts:3 constructs with openRedis',
      'src/phone/request.ts:4 constructs with Limiter',
    ],
  },
  {
    rule: CONSTRUCTS,
    does: 'is the composition, or makes values and its own objects',
    files: {
      'src/context.ts':
        "import { openRedis } from './platform/redis-connect.ts';\nconst redis = openRedis();",
      'src/phone/a.ts': [
        "import { RedisUnavailable } from '../platform/redis.ts';",
        "import { Own } from './own.ts';",
        "throw new RedisUnavailable('a');",
        'const own = new Own();',
      ].join('\n'),
    },
    found: [],
  },
  {
    rule: SECRETS,
    does: 'reveals a secret on its way',
    files: { 'src/phone/a.ts': 'send(config.token.reveal());' },
    found: ['src/phone/a.ts:1 reveals config.token'],
  },
  {
    rule: SECRETS,
    does: 'connects with a secret',
    files: { 'src/platform/redis-connect.ts': 'connect(options.password.reveal());' },
    found: [],
  },
];
