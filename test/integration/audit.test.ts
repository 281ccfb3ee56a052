import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent } from '../../gen/whispr/auth/v1/account_pb.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { prove, registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startApp({ SESSION_DEVICE_CAP: '2' });
});
afterAll(() => app.stop());

describe('the audit events of an account', () => {
  test('tell who did what, from where and why not, newest first', async () => {
    const owner = await registerPerson(app);
    const requestId = randomUUID();
    const as = bearer(owner.accessToken);
    const headers = { ...as.headers, 'x-request-id': requestId };
    const wish = { deviceId: owner.deviceId, changes: { name: 'Mine' } };
    await app.clientsAt('203.0.113.77').device.renameDevice(wish, { headers });
    const events = await eventsOf(owner);
    expect(events[0]).toMatchObject({
      action: 'device.renamed',
      actor: 'user',
      deviceId: owner.deviceId,
      ipPrefix: '203.0.113.0/24',
      requestId,
      outcome: 'success',
      reason: '',
    });
    expect(events[0]?.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(events.map(({ action }) => action).toSorted()).toEqual([
      'account.registered',
      'device.added',
      'device.renamed',
      'keys.published',
      'session.opened',
    ]);
    expect(events.find(({ action }) => action === 'session.opened')).toMatchObject({
      sessionId: owner.sessionId,
    });
  });

  test('tell of what strangers were refused, with the reason', async () => {
    const owner = await registerPerson(app);
    await signIn(app, owner.phone);
    const { verificationId } = await prove(app, 'login', { phone: owner.phone });
    const stranger = { verificationId, deviceId: randomUUID(), deviceType: 'web' };
    expect((await refusalOf(app.clients.auth.login(stranger))).reason).toBe('DEVICE_LIMIT');
    const [newest] = await eventsOf(owner);
    expect(newest).toMatchObject({
      action: 'session.refused',
      actor: 'anonymous',
      outcome: 'refused',
      reason: 'DEVICE_LIMIT',
    });
  });

  test.each([
    ['account', 'user'],
    ['anonymous', 'anonymous'],
    ['operator', 'operator'],
    ['system', 'system'],
    ['service', 'system'],
  ])('say of the actor %s: %s', async (actor, told) => {
    const owner = await registerPerson(app);
    await app.sql(
      `INSERT INTO audit_events (type, outcome, actor, account_id)
       VALUES ('trial', 'success', $1, $2)`,
      [actor, owner.userId],
    );
    const [newest] = await eventsOf(owner);
    expect(newest).toMatchObject({ actor: told, deviceId: '', sessionId: '', ipPrefix: '' });
  });

  test('are the own account’s only', async () => {
    const [one, other] = [await registerPerson(app), await registerPerson(app)];
    const ids = (await eventsOf(one)).map(({ id }) => id);
    const others = (await eventsOf(other)).map(({ id }) => id);
    expect(ids.filter((id) => others.includes(id))).toEqual([]);
    expect(ids).toHaveLength(4);
  });

  test('come in pages that lose and repeat nothing, however many share a time', async () => {
    const owner = await registerPerson(app);
    await app.sql(
      `INSERT INTO audit_events (created_at, type, outcome, actor, account_id)
       SELECT now() - make_interval(secs => n / 10), 'trial.' || n, 'success', 'system', $1
         FROM generate_series(1, 50) AS n`,
      [owner.userId],
    );
    const all = await eventsOf(owner);
    const paged: AuditEvent[] = [];
    let pageToken = '';
    do {
      const page = await app.clients.auth.listAuditEvents(
        { pageSize: 7, pageToken },
        bearer(owner.accessToken),
      );
      paged.push(...page.events);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(paged.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    expect(new Set(paged.map(({ id }) => id)).size).toBe(54);
  });

  test('refuse a page token that is not theirs', async () => {
    const owner = await registerPerson(app);
    await signIn(app, owner.phone);
    const as = bearer(owner.accessToken);
    const { nextPageToken } = await app.clients.device.listDevices({ pageSize: 1 }, as);
    for (const pageToken of [nextPageToken, 'nonsense', '\u0000']) {
      const call = app.clients.auth.listAuditEvents({ pageToken }, as);
      expect((await refusalOf(call)).reason).toBe('PAGE_TOKEN_INVALID');
    }
  });
});

describe('what happened before an account was reopened', () => {
  test('is shown in neither history', async () => {
    const owner = await registerPerson(app);
    await app.sql(
      `INSERT INTO login_history (user_id, device_id, ip_address, address_key, status, reason)
       VALUES ($1, $2, '203.0.113.0/24', '', 'failure', 'TWO_FACTOR_CODE_WRONG')`,
      [owner.userId, owner.deviceId],
    );
    await app.sql('UPDATE users_auth SET history_from = now() WHERE id = $1', [owner.userId]);
    expect(await eventsOf(owner)).toEqual([]);
    expect(await loginsOf(owner)).toEqual([]);
    const next = await signIn(app, owner.phone);
    expect((await eventsOf(owner)).map(({ deviceId }) => deviceId)).toEqual(
      (await eventsOf(owner)).map(() => next.deviceId),
    );
    expect(await loginsOf(owner)).toMatchObject([{ deviceId: next.deviceId, status: 1 }]);
  });

  test('lends no name to a later attempt', async () => {
    const owner = await registerPerson(app);
    await app.sql('UPDATE users_auth SET history_from = now() WHERE id = $1', [owner.userId]);
    await app.sql(
      `INSERT INTO login_history (user_id, device_id, ip_address, address_key, status)
       VALUES ($1, $2, '203.0.113.0/24', '', 'challenged')`,
      [owner.userId, owner.deviceId],
    );
    expect(await loginsOf(owner)).toMatchObject([
      { deviceId: owner.deviceId, deviceName: '', status: 3, reason: '' },
    ]);
  });
});

test('the login history tells device, name, status and reason of every attempt', async () => {
  const owner = await registerPerson(app);
  await app.sql(
    `INSERT INTO login_history (user_id, device_id, ip_address, address_key, status, reason)
     SELECT $1, $2, '203.0.113.0/24', '', status, reason
       FROM (VALUES ('challenged', NULL), ('failure', 'TWO_FACTOR_CODE_WRONG')) AS t (status, reason)`,
    [owner.userId, owner.deviceId],
  );
  expect(await loginsOf(owner)).toMatchObject([
    { deviceName: 'First device', status: 2, reason: 'TWO_FACTOR_CODE_WRONG' },
    { deviceName: 'First device', status: 3, reason: '', ipPrefix: '203.0.113.0/24' },
    { deviceName: 'First device', status: 1, reason: '' },
  ]);
});

async function eventsOf(person: SignedIn): Promise<AuditEvent[]> {
  const page = { pageSize: 100 };
  return (await app.clients.auth.listAuditEvents(page, bearer(person.accessToken))).events;
}

async function loginsOf(person: SignedIn) {
  return (await app.clients.auth.listLoginHistory({}, bearer(person.accessToken))).entries;
}
