import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runCommand } from '../../src/commands.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { registerPerson } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
/** More than two batches, and more than a pipe holds. */
const MANY = 2_500;
const FIELDS = [
  'id',
  'createdAt',
  'type',
  'outcome',
  'reason',
  'actor',
  'accountId',
  'deviceId',
  'sessionId',
  'ipPrefix',
  'requestId',
  'details',
];
let app: TestApp;
let person: SignedIn;

beforeAll(async () => {
  app = await startApp();
  person = await registerPerson(app);
  // Times of three months, two of them in no partition of their own; hundreds share each.
  await app.sql(
    `INSERT INTO audit_events (created_at, type, outcome, actor, account_id, details)
     SELECT '2026-01-30T00:00:00.123456Z'::timestamptz + make_interval(days => n / 100),
            'trial.' || n, 'success', 'system', gen_random_uuid(), '{"n": 1}'
       FROM generate_series(1, $1::integer) AS n`,
    [MANY],
  );
});
afterAll(() => app.stop());

describe('exporting the audit log', () => {
  test('writes every event with every field, one a line, oldest first', async () => {
    const child = start();
    const closed = once(child, 'close');
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect([await closed, err]).toEqual([[0, null], '']);
    const rows = linesOf(out);
    const [total] = await app.sql<{ count: number }>(
      'SELECT count(*)::int AS count FROM audit_events',
    );
    expect(rows).toHaveLength(total?.count ?? 0);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    const positions = rows.map(({ createdAt, id }) => `${String(createdAt)} ${String(id)}`);
    expect(positions).toEqual(positions.toSorted());
    for (const row of rows) expect(Object.keys(row)).toEqual(FIELDS);
    expect(rows[0]).toMatchObject({ createdAt: '2026-01-30T00:00:00.123456Z', details: { n: 1 } });
    expect(rows.find(({ sessionId }) => sessionId === person.sessionId)).toMatchObject({
      accountId: person.userId,
      deviceId: person.deviceId,
      ipPrefix: '198.51.100.0/24',
      actor: 'account',
    });
  });

  test('writes the same lines again', async () => {
    const range = ['--to', '2026-06-01'];
    expect(await exported(range)).toEqual(await exported(range));
  });

  test('takes a range, its start included and its end not, in any time zone', async () => {
    const from = '2026-02-01T00:00:00.123456Z';
    const to = '2026-02-03T02:00:00.123456+02:00';
    const rows = await exported(['--from', from, '--to', to]);
    expect(rows).toHaveLength(200);
    expect(rows[0]).toMatchObject({ createdAt: from });
    const day = await exported(['--from', '2026-02-01', '--to', '2026-02-02']);
    expect(day).toHaveLength(100);
  });

  test('takes one account', async () => {
    const rows = await exported(['--account', person.userId.toUpperCase()]);
    expect(rows.map(({ type }) => type).toSorted()).toEqual([
      'account.registered',
      'device.added',
      'keys.published',
      'session.opened',
    ]);
  });

  test('ends without a word when its reader leaves, as a program in a pipe does', async () => {
    const child = start();
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await text(child.stderr)).toBe('');
    expect((await exited)[0]).toBe(141);
  });

  test.each([
    [['--from', 'yesterday']],
    [['--from', '2026-13-01']],
    [['--from', '2026-02-01T00:00:00']],
    [['--to']],
    [['--account', "x' OR 1=1"]],
    [['--since', '2026-02-01']],
    [['everything']],
  ])('says how it is used when it is given %j', async (words) => {
    await expect(exported(words)).rejects.toThrow('usage: main export-audit');
  });
});

/** The command as an operator runs it. */
function start() {
  return spawn(process.execPath, [MAIN, 'export-audit'], {
    env: { PATH: process.env['PATH'], ...app.settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** The same in this process. */
async function exported(words: readonly string[]): Promise<Record<string, unknown>[]> {
  const before = { ...process.env };
  Object.assign(process.env, app.settings);
  try {
    const answer = await runCommand('export-audit', words);
    if (typeof answer === 'string') throw new Error('One line only');
    return linesOf((await Array.fromAsync(answer)).join('\n') + '\n');
  } finally {
    process.env = before;
  }
}

function linesOf(out: string): Record<string, unknown>[] {
  const isRow = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null;
  return out
    .split('\n')
    .slice(0, -1)
    .map((line): unknown => JSON.parse(line))
    .filter(isRow);
}
