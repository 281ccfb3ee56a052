import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, countReasons, refusalOf, together } from '../support/client.ts';
import { registerPerson } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';

const CALLERS = 64;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('refreshing', () => {
  test('64 times at once with one token leaves one living session and no caller without it', async () => {
    const person = await registerPerson(app);
    const answers = await together(CALLERS, () => refresh(person.refreshToken));
    expect(countReasons(answers)).toEqual({ OK: CALLERS });
    const successors = new Set<unknown>();
    for (const answer of answers) {
      if (answer.status !== 'ok') continue;
      expect(answer.value.sessionId).toBe(person.sessionId);
      successors.add(counterOf(answer.value.refreshToken));
    }
    expect(successors).toEqual(new Set([1]));
    const { sessions } = await app.clients.auth.listSessions({}, bearer(person.accessToken));
    expect(sessions).toHaveLength(1);
    expect(await reuseEvents(person)).toBe(0);
  });

  test('late, with the token whose answer was lost, converges three times and then ends the session', async () => {
    const person = await registerPerson(app);
    let { refreshToken } = person;
    for (let time = 1; time <= 3; time += 1) {
      const successor = (await refresh(refreshToken)).refreshToken;
      await age(person, 'rotated_at', '2 hours');
      const late = await together(CALLERS, () => refresh(refreshToken));
      expect(countReasons(late)).toEqual({ OK: CALLERS });
      expect(await auditCount(person, 'session.refresh.late')).toBe(time);
      await ageLate(person);
      refreshToken = successor;
    }
    await refresh(refreshToken);
    await age(person, 'rotated_at', '2 hours');
    expect((await refusalOf(refresh(refreshToken))).reason).toBe('REFRESH_REUSED');
    expect(await reuseEvents(person)).toBe(1);
  });

  test('more than a day late ends the session', async () => {
    const person = await registerPerson(app);
    await refresh(person.refreshToken);
    await age(person, 'rotated_at', '25 hours');
    expect((await refusalOf(refresh(person.refreshToken))).reason).toBe('REFRESH_REUSED');
  });

  test('with a token two generations old ends that session only, once', async () => {
    const person = await registerPerson(app);
    const bystander = await registerPerson(app);
    const first = await refresh(person.refreshToken);
    await refresh(first.refreshToken);
    const stolen = await together(CALLERS, () => refresh(person.refreshToken));
    expect(countReasons(stolen)).toEqual({ REFRESH_REUSED: 1, SESSION_REVOKED: CALLERS - 1 });
    expect(await reuseEvents(person)).toBe(1);
    const { reason } = await refusalOf(
      app.clients.device.listDevices({}, bearer(person.accessToken)),
    );
    expect(reason).toBe('SESSION_REVOKED');
    await refresh(bystander.refreshToken);
  });

  test('with a counter ahead of a restored database moves the row forward', async () => {
    const person = await registerPerson(app);
    const first = await refresh(person.refreshToken);
    const second = await refresh(first.refreshToken);
    await app.sql('UPDATE sessions SET refresh_counter = 0 WHERE id = $1', [person.sessionId]);
    const third = await refresh(second.refreshToken);
    expect(counterOf(third.refreshToken)).toBe(3);
  });

  test('is limited for a predecessor that keeps coming back', async () => {
    const person = await registerPerson(app);
    await refresh(person.refreshToken);
    const answers = await together(260, () => refresh(person.refreshToken));
    expect(countReasons(answers)).toEqual({ OK: 200, RATE_LIMITED: 60 });
    const { sessions } = await app.clients.auth.listSessions({}, bearer(person.accessToken));
    expect(sessions).toHaveLength(1);
  });
});

function refresh(refreshToken: string) {
  return app.clients.auth.refreshTokens({ refreshToken });
}

function counterOf(token: string): unknown {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  const claims: unknown = JSON.parse(payload);
  return Reflect.get(Object(claims), 'ctr');
}

async function age(person: SignedIn, column: 'rotated_at', by: string): Promise<void> {
  await app.sql(`UPDATE sessions SET ${column} = ${column} - $2::interval WHERE id = $1`, [
    person.sessionId,
    by,
  ]);
}

async function ageLate(person: SignedIn): Promise<void> {
  await app.sql(
    `UPDATE sessions SET late_refreshes =
       array(SELECT late - interval '1 hour' FROM unnest(late_refreshes) late) WHERE id = $1`,
    [person.sessionId],
  );
}

function reuseEvents(person: SignedIn): Promise<number> {
  return auditCount(person, 'session.refresh.reuse_detected');
}

async function auditCount(person: SignedIn, type: string): Promise<number> {
  const rows = await app.sql<{ count: number }>(
    'SELECT count(*)::int AS count FROM audit_events WHERE session_id = $1 AND type = $2',
    [person.sessionId, type],
  );
  return rows[0]?.count ?? 0;
}
