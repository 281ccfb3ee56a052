import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { auditOf, moveTo, toldTo } from '../support/account.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { prove, registerPerson, signIn } from '../support/person.ts';
import { eventually } from '../support/private-stores.ts';
import {
  challengeOf,
  registerTwoFactorPerson,
  signInWithFactor,
} from '../support/two-factor-person.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

/** What survives an account, and why: audit rows, the refusal of its tokens, undelivered events. */
const SURVIVING = /^(audit_events(_\w+)?|revocations|outbox)$/;

async function tableNames(): Promise<string[]> {
  const rows = await app.sql<{ name: string }>(
    `SELECT relname AS name FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname`,
  );
  return rows.map(({ name }) => name);
}

/** Tables with a row that has one of the texts in any column. */
async function tablesWith(texts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of await tableNames()) {
    const rows = await app.sql(
      `SELECT 1 FROM "${name}" AS t WHERE EXISTS (
         SELECT 1 FROM unnest($1::text[]) AS needle WHERE position(needle IN t::text) > 0) LIMIT 1`,
      [texts],
    );
    if (rows.length > 0) found.push(name);
  }
  return found;
}

const hexOf = (text: string) => Buffer.from(text).toString('hex');

describe('deleting an account', () => {
  test('is refused to a junior session', async () => {
    const person = await registerPerson(app);
    const junior = await signIn(app, person.phone);
    const deleting = app.clients.auth.deleteAccount({}, bearer(junior.accessToken));
    expect((await refusalOf(deleting)).reason).toBe('STEP_UP_REQUIRED');
    expect(await tablesWith([person.userId])).toContain('users_auth');
  });

  test('leaves nothing of it in any table but what must survive, and no number in the audit log', async () => {
    const person = await registerTwoFactorPerson(app);
    const second = await signInWithFactor(app, person);
    const challenge = await challengeOf(app, person.phone);
    const { verificationId } = await prove(app, 'login', { phone: person.phone });
    await app.clients.auth.startRecovery({ verificationId });
    const phone = await moveTo(app, person);
    const texts = [person.userId, person.deviceId, second.deviceId, person.sessionId];
    const before = await tablesWith(texts);
    expect(before).toEqual(
      expect.arrayContaining([
        'users_auth',
        'devices',
        'sessions',
        'prekeys',
        'login_history',
        'recoveries',
        'backup_codes',
        'two_factor_challenges',
      ]),
    );
    await app.clients.auth.deleteAccount({}, bearer(person.accessToken));
    const after = await tablesWith(texts);
    expect(after.filter((name) => !SURVIVING.test(name))).toEqual([]);
    const numbers = [person.phone, phone].flatMap((number) => [number, hexOf(number)]);
    const withNumber = await tablesWith([...numbers, challenge]);
    expect(withNumber.filter((name) => name !== 'outbox')).toEqual([]);
  });

  test('covers every table that names an account, also those of later migrations', async () => {
    const rows = await app.sql<{ name: string }>(
      `SELECT DISTINCT c.relname AS name
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND NOT a.attisdropped AND a.attname ~ '(user|account|owner|device|session)_id$'`,
    );
    const cascading = await app.sql<{ name: string }>(
      `WITH RECURSIVE owned AS (
         SELECT 'users_auth'::regclass::oid AS oid
         UNION
         SELECT f.conrelid FROM pg_constraint f JOIN owned ON owned.oid = f.confrelid
          WHERE f.contype = 'f' AND f.confdeltype = 'c'
       )
       SELECT oid::regclass::text AS name FROM owned`,
    );
    const owned = new Set(cascading.map(({ name }) => name));
    const loose = rows.map(({ name }) => name).filter((name) => !owned.has(name));
    expect(loose.filter((name) => !SURVIVING.test(name))).toEqual([]);
  });

  test('tells services, owner and auditor, and ends every token', async () => {
    const person = await registerPerson(app);
    const second = await signIn(app, person.phone);
    await app.clients.auth.deleteAccount({}, bearer(person.accessToken));
    const types = await app.sql<{ type: string }>(
      'SELECT type FROM outbox WHERE account_id = $1 ORDER BY id',
      [person.userId],
    );
    expect(types.map(({ type }) => type).slice(-4)).toEqual([
      'device.revoked',
      'device.revoked',
      'user.deprovisioned',
      'security',
    ]);
    expect((await toldTo(app, person.userId)).at(-1)).toBe('ACCOUNT_DELETED');
    expect(await auditOf(app, person.userId)).toContain('account.deleted');
    for (const { accessToken, refreshToken } of [person, second]) {
      const reading = app.clients.auth.getAccount({}, bearer(accessToken));
      expect((await refusalOf(reading)).reason).toBe('SESSION_REVOKED');
      const refreshing = app.clients.auth.refreshTokens({ refreshToken });
      expect((await refusalOf(refreshing)).reason).toBe('SESSION_REVOKED');
    }
    const reasons = await app.sql('SELECT reason FROM revocations WHERE user_id = $1', [
      person.userId,
    ]);
    expect(reasons).toEqual([{ reason: 'account_deleted' }, { reason: 'account_deleted' }]);
  });

  test('is known to every replica within a second', async () => {
    const person = await registerPerson(app);
    const replica = await app.replica();
    await replica.clients.auth.getAccount({}, bearer(person.accessToken));
    await app.clients.auth.deleteAccount({}, bearer(person.accessToken));
    const deletedAt = Date.now();
    await eventually(
      () => refusalOf(replica.clients.device.listDevices({}, bearer(person.accessToken))),
      ({ reason }) => reason === 'SESSION_REVOKED',
    );
    expect(Date.now() - deletedAt).toBeLessThan(1_000);
    await replica.stop();
  });

  test('frees its number at once, and for nothing that was proven before', async () => {
    const person = await registerPerson(app);
    const early = await prove(app, 'login', { phone: person.phone });
    await app.clients.auth.deleteAccount({}, bearer(person.accessToken));
    const { verificationId } = await prove(app, 'register', { phone: person.phone });
    const device = { deviceId: person.deviceId, deviceType: 'ios' };
    const next = await app.clients.auth.register({ verificationId, ...device });
    expect(next.userId).not.toBe(person.userId);
    const entering = app.clients.auth.login({
      verificationId: early.verificationId,
      deviceId: randomUUID(),
    });
    expect((await refusalOf(entering)).reason).toBe('VERIFICATION_UNKNOWN');
  });
});
