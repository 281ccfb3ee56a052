import type { Case } from './case.ts';

const INSIDE = 'transactions stay inside';
const NAMES = 'statements have names';
const TABLES = 'statements write their own tables';
const LOCKS = 'locks need a transaction';
const HEADERS = 'scripts have headers';
const SQL = 'SQL stands in statements';

const RECORD = 'export async function forget(redis: R) { await redis.run(FORGET, [], []); }';

export const STORE_CASES: readonly Case[] = [
  {
    rule: INSIDE,
    does: 'takes from a limiter in a function with a transaction',
    files: {
      'src/session/a.ts': 'async function a(deps: D, tx: Tx) {\n await deps.limiter.take([]); }',
    },
    found: ['src/session/a.ts:2 speaks to limiter'],
  },
  {
    rule: INSIDE,
    does: 'reaches Redis from the callback of tx, through two files',
    files: {
      'src/phone/record.ts': RECORD,
      'src/phone/clean.ts':
        "import { forget } from './record.ts';\nexport function clean(deps: D) { return forget(deps.store); }",
      'src/sign-in/login.ts':
        "import { clean as wipe } from '../phone/clean.ts';\nexport const a = (deps: D) => deps.db.tx(async (tx) => { await wipe(deps); });",
    },
    found: ['src/sign-in/login.ts:2 calls clean, which leaves the transaction'],
  },
  {
    rule: INSIDE,
    does: 'cleans up after the transaction',
    files: {
      'src/phone/record.ts': RECORD,
      'src/sign-in/login.ts': [
        "import { forget } from '../phone/record.ts';",
        'export async function login(deps: { redis: R }) {',
        '  await deps.db.tx((tx) => insert(tx));',
        '  await forget(deps.redis);',
        '}',
      ].join('\n'),
    },
    found: [],
  },
  {
    rule: NAMES,
    does: 'names a statement after another feature, or twice',
    files: {
      'src/two-factor/store.ts':
        "const A = sql('phone.take', 'SELECT 1');\nconst B = sql('two_factor.a', 'SELECT 1');\nconst C = sql('two_factor.a', 'SELECT 2');",
    },
    found: [
      "src/two-factor/store.ts:1 'phone.take' is not named two_factor.<verb>",
      "src/two-factor/store.ts:2 'two_factor.a' is declared twice",
      "src/two-factor/store.ts:3 'two_factor.a' is declared twice",
    ],
  },
  {
    rule: TABLES,
    does: 'writes what belongs to others, in a CTE, an upsert and a function too',
    files: {
      'src/device/store.ts': [
        "const A = sql('device.a', 'WITH x AS (DELETE FROM prekeys RETURNING 1) SELECT 1');",
        "const B = sql('device.b', 'INSERT INTO devices (id) VALUES ($1)');",
        "const C = sql('device.c', 'UPDATE sessions s SET a = 1');",
        "const D = sql('device.d', 'SELECT settle_check($1, $2, $3)');",
        "const E = sql('device.e', `UPDATE ONLY users_auth SET a = ${VALUE}`);",
        "const F = sql('device.f', textOf(B));",
      ].join('\n'),
    },
    found: [
      'src/device/store.ts:1 writes prekeys, which belongs to keys',
      'src/device/store.ts:3 writes sessions, which belongs to session',
      'src/device/store.ts:4 writes phone_attempts, which belongs to phone',
      'src/device/store.ts:4 writes phone_counters, which belongs to phone',
      'src/device/store.ts:5 writes users_auth, which belongs to entry',
      'src/device/store.ts:6 has a text that cannot be read here',
    ],
  },
  {
    rule: TABLES,
    does: 'sets columns of a shared table that were not granted to it',
    files: {
      'src/two-factor/store.ts': [
        "const A = sql('two_factor.a', 'UPDATE users_auth SET two_factor_enabled = true, updated_at = now() WHERE id = $1');",
        "const B = sql('two_factor.b', 'UPDATE users_auth SET two_factor_enabled = true, phone_number = $2 WHERE id = $1');",
        "const C = sql('two_factor.c', 'DELETE FROM users_auth WHERE id = $1');",
      ].join('\n'),
    },
    found: [
      'src/two-factor/store.ts:2 writes users_auth, which belongs to entry',
      'src/two-factor/store.ts:3 writes users_auth, which belongs to entry',
    ],
  },
  {
    rule: TABLES,
    does: 'reads other tables, locks rows and only speaks of writing',
    files: {
      'src/device/store.ts': [
        "const A = sql('device.a', 'SELECT 1 FROM sessions FOR UPDATE OF sessions');",
        "const B = sql('device.b', 'INSERT INTO devices (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET a = 1');",
        'const C = sql(\'device.c\', "SELECT 1 /* UPDATE sessions */ -- DELETE FROM sessions");',
        "const D = sql('device.d', \"SELECT 'insert into sessions'\");",
      ].join('\n'),
    },
    found: [],
  },
  {
    rule: 'tables have owners',
    does: 'creates a table that nobody owns',
    files: {
      'src/db/migrations/20260101T0000-create-a.ts': "run('CREATE TABLE novelty (a int)');",
    },
    found: ['src/db/migrations/20260101T0000-create-a.ts:1 novelty has no owner'],
  },
  {
    rule: LOCKS,
    does: 'locks a row on the pool',
    files: {
      'src/session/store.ts':
        "const LOCK = sql('session.lock', 'SELECT 1 FROM sessions FOR UPDATE');\nfunction lock(db: Queryable) { return db.query(LOCK, []); }",
    },
    found: ['src/session/store.ts:2 lock locks without a Tx'],
  },
  {
    rule: LOCKS,
    does: 'locks a row in a transaction',
    files: {
      'src/session/store.ts':
        "const LOCK = sql('session.lock', 'SELECT 1 FROM sessions FOR UPDATE');\nfunction lock(tx: Tx) { return tx.query(LOCK, []); }",
    },
    found: [],
  },
  {
    rule: SQL,
    does: 'builds a query of its own',
    files: { 'src/session/list.ts': "db.raw(`SELECT * FROM sessions WHERE id = '${id}'`);" },
    found: ['src/session/list.ts:1 has SQL outside of sql()'],
  },
  {
    rule: SQL,
    does: 'declares its statements, or speaks of selecting',
    files: {
      'src/session/list.ts': "sql('session.a', 'SELECT 1 FROM a');\nsay('select a device');",
    },
    found: [],
  },
  {
    rule: HEADERS,
    does: 'has a script without a header',
    files: { 'src/limits/a.ts': "const A = script('limits.a', 'return 1');" },
    found: ['src/limits/a.ts:1 limits.a has no KEYS / ARGV / returns header'],
  },
  {
    rule: HEADERS,
    does: 'says what its script takes and returns',
    files: {
      'src/limits/a.ts':
        "const A = script('limits.a', `-- KEYS: one\n-- ARGV: none\n-- returns 1\nreturn 1`);",
    },
    found: [],
  },
];
