import type { Case } from './case.ts';

const ORDER = 'imports go left';
const DOORS = 'doors are kept';
const GEN = 'messages stay at the edge';
const STORES = 'stores stand on platform';

export const IMPORT_CASES: readonly Case[] = [
  {
    rule: ORDER,
    does: 'imports a feature to its right',
    files: { 'src/phone/check.ts': "import { login } from '../sign-in/login.ts';" },
    found: ['src/phone/check.ts:1 phone imports sign-in, which is not left of it'],
  },
  {
    rule: ORDER,
    does: 'imports a feature beside it, if only a type',
    files: { 'src/account/store.ts': "import type { A } from '../sign-in/store.ts';" },
    found: ['src/account/store.ts:1 account imports sign-in, which is not left of it'],
  },
  {
    rule: ORDER,
    does: 'is platform and imports something of ours',
    files: { 'src/platform/redis.ts': "import { DomainError } from '../errors.ts';" },
    found: ['src/platform/redis.ts:1 platform imports errors, which is not left of it'],
  },
  {
    rule: ORDER,
    does: 'imports the composition, late and by name',
    files: { 'src/session/open.ts': "const app = await import('../app.ts');" },
    found: ['src/session/open.ts:1 session imports app, which is not left of it'],
  },
  {
    rule: ORDER,
    does: 'names a type of the right in an import type',
    files: { 'src/limits/a.ts': "let a: import('../device/list.ts').A;" },
    found: ['src/limits/a.ts:1 limits imports device, which is not left of it'],
  },
  {
    rule: ORDER,
    does: 'passes on what stands right of it',
    files: { 'src/token/a.ts': "export { login } from '../sign-in/login.ts';" },
    found: ['src/token/a.ts:1 token imports sign-in, which is not left of it'],
  },
  {
    rule: ORDER,
    does: 'belongs to a unit that nobody placed',
    files: { 'src/novelty/a.ts': "import { a } from '../errors.ts';" },
    found: ['src/novelty/a.ts:1 novelty has no place in the order'],
  },
  {
    rule: ORDER,
    does: 'imports to its left and within itself',
    files: {
      'src/sign-in/login.ts':
        "import { a } from '../phone/store.ts';\nimport { b } from './enter.ts';\nimport 'pino';",
    },
    found: [],
  },
  {
    rule: DOORS,
    does: 'imports the handlers of a feature from another one',
    files: { 'src/sign-in/rpc.ts': "import { a } from '../device/rpc.ts';" },
    found: [
      'src/sign-in/rpc.ts:1 imports src/device/rpc.ts: handlers are imported by rpc/routes.ts only',
    ],
  },
  {
    rule: DOORS,
    does: 'is a verb and knows the edge, the messages, the configuration and the data source',
    files: {
      'src/session/open.ts': [
        "import { callOf } from '../rpc/call.ts';",
        "import { wireSession } from './wire-session.ts';",
        "import type { Config } from '../config.ts';",
        "import { poolOf } from '../db/data-source.ts';",
      ].join('\n'),
    },
    found: [
      'src/session/open.ts:1 imports src/rpc/call.ts: the edge is known to handlers and to the composition only',
      'src/session/open.ts:2 imports src/session/wire-session.ts: messages are known to handlers, wire files, outbox and peers only',
      'src/session/open.ts:3 imports src/config.ts: the configuration is passed on by the composition; verbs name the few values they need',
      'src/session/open.ts:4 imports src/db/data-source.ts: the data source is opened by the composition',
    ],
  },
  {
    rule: DOORS,
    does: 'is a handler and uses the edge and messages of another feature',
    files: {
      'src/sign-in/rpc.ts':
        "import { callOf } from '../rpc/call.ts';\nimport { a } from '../device/wire-device.ts';",
    },
    found: [],
  },
  {
    rule: GEN,
    does: 'is a verb and imports a generated message',
    files: { 'src/session/open.ts': "import { A } from '../../gen/a_pb.ts';" },
    found: ['src/session/open.ts:1 imports gen/a_pb.ts'],
  },
  {
    rule: GEN,
    does: 'is errors.ts and imports a generated value',
    files: { 'src/errors.ts': "import { ErrorReason } from '../gen/a_pb.ts';" },
    found: ['src/errors.ts:1 imports gen/a_pb.ts'],
  },
  {
    rule: GEN,
    does: 'is a wire file, or errors.ts with types only',
    files: {
      'src/session/wire-session.ts': "import { A } from '../../gen/a_pb.ts';",
      'src/errors.ts': "import type { ErrorReason } from '../gen/a_pb.ts';",
    },
    found: [],
  },
  {
    rule: STORES,
    does: 'is a store and calls another feature',
    files: { 'src/sign-in/store-account.ts': "import { a, type B } from '../phone/store.ts';" },
    found: ['src/sign-in/store-account.ts:1 a store calls src/phone/store.ts'],
  },
  {
    rule: STORES,
    does: 'is a store and takes types of another feature',
    files: {
      'src/sign-in/store.ts':
        "import { sql } from '../platform/postgres.ts';\nimport type { A } from '../phone/store.ts';",
    },
    found: [],
  },
];
