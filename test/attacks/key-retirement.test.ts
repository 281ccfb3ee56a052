import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { registerPerson } from '../support/person.ts';
import { TrialClock } from '../support/trial-key-ring.ts';
import { byEs256, forge, ownKey, partsOf, stolenKey } from './forge.ts';

const clock = new TrialClock(Date.now());
let app: TestApp;

beforeAll(async () => {
  app = await startApp({}, { clock });
});
afterAll(() => app.stop());

/** Takes the active access key away and puts another in its place, as after a leak. */
async function replaceAccessKey(): Promise<string> {
  const { kid } = await stolenKey(app, 'access');
  await app.sql(`DELETE FROM signing_keys WHERE purpose = 'access'`);
  const replacement = await app.replica();
  await replacement.stop();
  return kid;
}

/** A token with an unknown kid makes the service read its keys again, at most every 30 s. */
async function letTheServiceNotice(): Promise<void> {
  clock.pass(31);
  const token = forge({ alg: 'ES256', typ: 'at+jwt', kid: 'x' }, {}, byEs256(ownKey().privateKey));
  await refusalOf(app.clients.device.listDevices({}, bearer(token)));
}

// Incidents where a leaked signing key went on being accepted after it was withdrawn, because
// verifiers remembered keys or tokens.
describe('after a signing key was withdrawn', () => {
  test('no token that it signed opens anything, however fresh and whoever saw it before', async () => {
    const person = await registerPerson(app);
    const { privateKey } = await stolenKey(app, 'access');
    const { header, claims } = partsOf(person.accessToken);
    const forged = forge(header, { ...claims, exp: 4_102_444_800 }, byEs256(privateKey));
    const neverSeen = forge(header, { ...claims, jti: 'another' }, byEs256(privateKey));
    await app.clients.device.listDevices({}, bearer(person.accessToken));
    await app.clients.device.listDevices({}, bearer(forged));
    await replaceAccessKey();
    await letTheServiceNotice();
    for (const token of [neverSeen, person.accessToken, forged]) {
      const call = app.clients.device.listDevices({}, bearer(token));
      expect((await refusalOf(call)).reason).toBe('TOKEN_INVALID');
    }
    const next = await app.clients.auth.refreshTokens({ refreshToken: person.refreshToken });
    await app.clients.device.listDevices({}, bearer(next.accessToken));
  });

  test('its tokens are good on no replica that starts later', async () => {
    const person = await registerPerson(app);
    const kid = await replaceAccessKey();
    expect(partsOf(person.accessToken).header['kid']).toBe(kid);
    const replica = await app.replica();
    const call = replica.clients.device.listDevices({}, bearer(person.accessToken));
    expect((await refusalOf(call)).reason).toBe('TOKEN_INVALID');
    await replica.stop();
    await letTheServiceNotice();
  });
});
