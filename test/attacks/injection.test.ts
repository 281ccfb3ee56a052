import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bearer, settle } from '../support/client.ts';
import { prove, registerPerson } from '../support/person.ts';
import { newClient, startRest } from '../rest/rest.ts';
import type { Rest } from '../rest/rest.ts';

const FORGED_LINE = '{"level":"info","event":"forged.line","accountId":"1"}';
/** Ends a line or header and begins one of the attacker's own. */
const HOSTILE = [
  `x\r\n${FORGED_LINE}\r\n`,
  `x\nset-cookie: forged=1`,
  `x\r\n\r\n<script>forged()</script>`,
  `x","event":"forged.line","y":"`,
  `\u2028${FORGED_LINE}`,
  '\u001b[2K\u001b[1Aforged',
  '%0d%0aset-cookie:%20forged=1',
  '${jndi:ldap://127.0.0.1:9/forged}',
  '%s%n%x',
  '\u202eforged',
];
let rest: Rest;

beforeAll(async () => {
  rest = await startRest();
});
afterAll(() => rest.stop());

/** Every line of the service's log is one JSON object of the service's own. */
function expectHonestLog(): void {
  const lines = rest.app.logs.flatMap((text) => text.split('\n')).filter((line) => line !== '');
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) {
    const fields: unknown = JSON.parse(line);
    const event = String(Reflect.get(Object(fields), 'event'));
    expect(event).not.toContain('forged');
    expect(line).not.toContain('forged');
  }
}

// CWE-117: log lines forged through what is logged of a request (also the look-ups that a logger made of
// them, 2021).
describe('text that breaks out of a line', () => {
  test.each(HOSTILE)('is no log line when a device is named %j', async (text) => {
    const { verificationId } = await prove(rest.app, 'register');
    const device = { verificationId, deviceId: randomUUID(), deviceType: text.slice(0, 50) };
    const wish = { ...device, deviceName: text.slice(0, 100), model: text.slice(0, 100) };
    await settle(rest.app.clients.auth.register(wish));
    expectHonestLog();
  });

  test.each(HOSTILE)('is no log line in any field that is refused: %j', async (text) => {
    const { auth } = rest.app.clients;
    const person = await registerPerson(rest.app);
    const calls = [
      () => auth.requestLoginVerification({ phoneNumber: text.slice(0, 30) }),
      () => auth.confirmLoginVerification({ verificationId: text, code: text }),
      () => auth.login({ verificationId: text, deviceId: text, deviceType: text }),
      () => auth.refreshTokens({ refreshToken: text }),
      () => auth.listSessions({ pageToken: text }, bearer(person.accessToken)),
      () => auth.logout({ deviceId: text, userId: text }, bearer(person.accessToken)),
    ];
    for (const call of calls) await settle<unknown>(call());
    expectHonestLog();
  });

  test.each(HOSTILE)('is no log line in path and query: %j', async (text) => {
    const encoded = encodeURIComponent(text);
    for (const path of [`/auth/v1/device/${encoded}`, `/auth/v1/devices?pageToken=${encoded}`]) {
      const answer = await rest.send({ method: 'GET', path, from: newClient() });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    }
    expectHonestLog();
    for (const line of rest.edge.log().split('\n')) {
      if (line.startsWith('{')) expect(JSON.parse(line)).toMatchObject({ event: 'edge.request' });
    }
  });
});

// CWE-113 and request smuggling: headers that end in the middle of a value.
describe('headers', () => {
  test('of an answer never repeat what a client sent', async () => {
    const { accessToken: token } = await registerPerson(rest.app);
    for (const text of HOSTILE) {
      const json = { phoneNumber: text, verificationId: text, code: text, refreshToken: text };
      for (const path of ['verify/login/request', 'verify/login/confirm', 'tokens/refresh']) {
        const wish = { method: 'POST', path: `/auth/v1/${path}`, json, from: newClient() };
        const answer = await rest.send(wish);
        expect([400, 401]).toContain(answer.status);
        expect(JSON.stringify(answer.headers)).not.toContain('forged');
        expect(answer.text).not.toContain('<script>');
      }
      const headers = { authorization: `Bearer ${token}` };
      const path = `/auth/v1/sessions?pageToken=${encodeURIComponent(text)}`;
      const listed = await rest.send({ method: 'GET', path, headers, from: newClient() });
      expect(JSON.stringify(listed.headers)).not.toContain('forged');
    }
  });

  test.each([
    'x-request-id',
    'x-device-type',
    'user-agent',
    'x-forwarded-for',
    'traceparent',
    'grpc-timeout',
    'content-type',
  ])('of a request reach neither log nor answer: %s', async (name) => {
    for (const text of [
      'a forged value',
      '{"event":"forged.line"}',
      '../forged',
      '-1H',
      'forged\tx',
    ]) {
      const answer = await rest.send({
        method: 'GET',
        path: '/auth/v1/health/live',
        headers: { [name]: text },
        from: newClient(),
      });
      expect(answer.status).toBeLessThan(500);
      expect(JSON.stringify(answer.headers) + answer.text).not.toContain('forged');
    }
    expectHonestLog();
  });

  test('that name two tokens open nothing', async () => {
    const one = await registerPerson(rest.app);
    const other = await registerPerson(rest.app);
    const authorization = `Bearer ${one.accessToken}, Bearer ${other.accessToken}`;
    const headers = { authorization };
    const answer = await rest.send({ method: 'GET', path: '/auth/v1/device', headers });
    expect(answer.status).toBe(401);
  });

  test('and queries carry no token', async () => {
    const { accessToken } = await registerPerson(rest.app);
    for (const name of ['access_token', 'token', 'authorization', 'bearer']) {
      const path = `/auth/v1/device?${name}=${accessToken}`;
      const cookie = { cookie: `${name}=${accessToken}` };
      const answer = await rest.send({ method: 'GET', path, headers: cookie });
      expect(answer.status).toBe(401);
    }
    expect(rest.edge.log()).not.toContain(accessToken);
  });
});
