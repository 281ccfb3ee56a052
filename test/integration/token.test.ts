import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import type { JSONWebKeySet } from 'jose';
import { SERVICE_TEST_TOKEN, startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { registerPerson } from '../support/person.ts';
import { runCommand } from '../../src/commands.ts';

const asService = { headers: { 'x-test-caller': SERVICE_TEST_TOKEN } };
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

async function jwks(): Promise<JSONWebKeySet> {
  const { data, contentType } = await app.clients.auth.getJwks({});
  expect(contentType).toBe('application/json');
  return keySet(data);
}

describe('an access token', () => {
  test('verifies with the JWKS by a standard library and carries no phone number', async () => {
    const person = await registerPerson(app);
    const { payload, protectedHeader } = await jwtVerify(
      person.accessToken,
      createLocalJWKSet(await jwks()),
      { issuer: 'https://auth.test', audience: 'whispr', typ: 'at+jwt', algorithms: ['ES256'] },
    );
    expect(Object.keys(protectedHeader).sort()).toEqual(['alg', 'kid', 'typ']);
    expect(payload).toMatchObject({
      aud: 'whispr',
      sub: person.userId,
      deviceId: person.deviceId,
      sid: person.sessionId,
      amr: ['sms'],
    });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(600);
    expect(JSON.stringify(payload)).not.toContain(person.phone.slice(1));
    expect(person.accessToken.length).toBeLessThan(1024);
  });

  test('is the only kind that opens a door here', async () => {
    const person = await registerPerson(app);
    const { wsToken, expiresIn } = await app.clients.auth.createWsToken(
      {},
      bearer(person.accessToken),
    );
    expect(expiresIn).toBe(60);
    expect(decodeProtectedHeader(wsToken).typ).toBe('ws+jwt');
    for (const token of [person.refreshToken, wsToken]) {
      const { reason } = await refusalOf(app.clients.device.listDevices({}, bearer(token)));
      expect(reason).toBe('TOKEN_INVALID');
      const checked = await app.clients.auth.validateToken({ token }, asService);
      expect(checked.active).toBe(false);
    }
    const asRefresh = app.clients.auth.refreshTokens({ refreshToken: person.accessToken });
    expect((await refusalOf(asRefresh)).reason).toBe('TOKEN_INVALID');
    const ws = await app.clients.auth.validateToken({ token: wsToken, use: 2 }, asService);
    expect(ws).toMatchObject({ active: true, userId: person.userId });
  });

  test('of ours cannot be told from the JWKS how to forge a refresh token', async () => {
    const person = await registerPerson(app);
    const { kid } = decodeProtectedHeader(person.refreshToken);
    const { keys } = await jwks();
    expect(keys.map((key) => key.kid)).not.toContain(kid);
  });
});

describe('rotating the signing key', () => {
  test('publishes the next key, then signs with it, and refuses nothing that is still good', async () => {
    const person = await registerPerson(app);
    const before = await jwks();
    await inEnvironment(() => runCommand('rotate-signing-key', ['access']));
    const [{ kid: pending } = { kid: '' }] = await app.sql<{ kid: string }>(
      `SELECT kid FROM signing_keys WHERE purpose = 'access' AND state = 'pending'`,
    );
    expect(pending).not.toBe('');
    const replica = await app.replica();
    const published = await replica.clients.auth.getJwks({});
    const kids = [before.keys[0]?.kid, pending];
    expect(kidsIn(published.data)).toEqual(kids);
    await rotateNow('access');

    const activated = await app.replica();
    const next = await activated.clients.auth.refreshTokens({ refreshToken: person.refreshToken });
    expect(decodeProtectedHeader(next.accessToken).kid).toBe(pending);
    for (const each of [app, replica, activated]) {
      await each.clients.device.listDevices({}, bearer(person.accessToken));
      await each.clients.device.listDevices({}, bearer(next.accessToken));
    }
    expect(kidsIn((await activated.clients.auth.getJwks({})).data)).toEqual([...kids].reverse());
    await replica.stop();
    await activated.stop();
  });

  test('of refresh tokens logs out no phone that slept through it', async () => {
    const person = await registerPerson(app);
    await rotateNow('refresh');
    const replica = await app.replica();
    const next = await replica.clients.auth.refreshTokens({ refreshToken: person.refreshToken });
    expect(next.sessionId).toBe(person.sessionId);
    await replica.stop();
  });

  test('does not let a key sign that some replica may not know yet', async () => {
    await inEnvironment(() => runCommand('rotate-signing-key', ['access']));
    const early = inEnvironment(() => runCommand('rotate-signing-key', ['access', '--activate']));
    await expect(early).resolves.toMatch(/published for less than 60 s/);
  });
});

/** Publishes a key, lets the time pass in which replicas learn of it, and has it sign. */
async function rotateNow(purpose: 'access' | 'refresh'): Promise<void> {
  await inEnvironment(() => runCommand('rotate-signing-key', [purpose]));
  await app.sql(`UPDATE signing_keys SET created_at = created_at - interval '2 minutes'
                  WHERE state = 'pending'`);
  await inEnvironment(() => runCommand('rotate-signing-key', [purpose, '--activate']));
}

function kidsIn(data: Uint8Array): (string | undefined)[] {
  return keySet(data).keys.map((key) => key.kid);
}

function keySet(data: Uint8Array): JSONWebKeySet {
  const read: unknown = JSON.parse(Buffer.from(data).toString());
  const isKeySet = (value: unknown): value is JSONWebKeySet => 'keys' in Object(value);
  if (!isKeySet(read)) throw new Error('This is no JWKS');
  return read;
}

/** A command reads the process environment, as an operator's shell gives it. */
async function inEnvironment<T>(work: () => Promise<T>): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, app.settings);
  try {
    return await work();
  } finally {
    process.env = before;
  }
}
