import { createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TokenUse } from '../../gen/whispr/auth/v1/session_pb.ts';
import { SERVICE_TEST_TOKEN, startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, refusalOf } from '../support/client.ts';
import { registerPerson } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { byEs256, byHs256, forge, ownKey, partsOf, stolenKey } from './forge.ts';
import type { Fields, Sign } from './forge.ts';

const asService = { headers: { 'x-test-caller': SERVICE_TEST_TOKEN } };
let app: TestApp;
let victim: SignedIn;

beforeAll(async () => {
  app = await startApp();
  victim = await registerPerson(app);
});
afterAll(() => app.stop());

/** Every door that a token is shown at. */
async function expectRefused(token: string): Promise<void> {
  const call = app.clients.device.listDevices({}, bearer(token));
  expect((await refusalOf(call)).reason).toBe('TOKEN_INVALID');
  for (const use of [TokenUse.ACCESS, TokenUse.WS]) {
    const checked = await app.clients.auth.validateToken({ token, use }, asService);
    expect(checked.active).toBe(false);
  }
  if (token === '') return;
  const refresh = app.clients.auth.refreshTokens({ refreshToken: token });
  expect((await refusalOf(refresh)).reason).toBe('TOKEN_INVALID');
}

// RFC 8725 §2.1 and the `alg` confusions published for many JWT libraries since 2015.
describe('a forger who knows only what is published', () => {
  test.each(['none', 'None', 'NONE', 'nOnE'])('gets nowhere with alg %s', async (alg) => {
    const { header, claims } = partsOf(victim.accessToken);
    for (const sign of [() => '', () => 'AA']) {
      await expectRefused(forge({ ...header, alg }, claims, sign));
    }
  });

  test('gets nowhere by cutting the signature off', async () => {
    const [header = '', claims = ''] = victim.accessToken.split('.');
    for (const token of [`${header}.${claims}.`, `${header}.${claims}`, `${header}..`]) {
      await expectRefused(token);
    }
  });

  // CVE class: an asymmetric public key taken for an HMAC secret.
  test('gets nowhere with HS256 under the public key, in whatever encoding', async () => {
    const { publicJwk } = await stolenKey(app, 'access');
    const key = createPublicKey({ key: { ...publicJwk }, format: 'jwk' });
    const secrets = [
      key.export({ type: 'spki', format: 'pem' }),
      key.export({ type: 'spki', format: 'der' }),
      JSON.stringify(publicJwk),
      Buffer.from(String(publicJwk['x']), 'base64url'),
    ];
    const { header, claims } = partsOf(victim.accessToken);
    for (const secret of secrets) {
      const sign = byHs256(secret);
      await expectRefused(forge({ ...header, alg: 'HS256' }, claims, sign));
      await expectRefused(forge(header, claims, sign));
    }
  });

  // CVE class: a signature of all zeros verifies where r and s are not checked (ECDSA in some runtimes, 2022).
  test.each([0x00, 0xff])('gets nowhere with a signature of bytes %i', async (byte) => {
    const { header, claims } = partsOf(victim.accessToken);
    await expectRefused(forge(header, claims, () => Buffer.alloc(64, byte).toString('base64url')));
  });

  // RFC 8725 §3.10 and §2.9: keys and URLs that the token itself brings.
  test.each([
    ['an embedded jwk', (own: Fields) => ({ jwk: own })],
    ['a jku of his own', () => ({ jku: 'http://127.0.0.1:9/jwks.json' })],
    ['an x5u of his own', () => ({ x5u: 'http://127.0.0.1:9/cert.pem' })],
    ['an x5c of his own', () => ({ x5c: ['MAo='] })],
  ] as const)('gets nowhere with %s', async (_name, extra) => {
    const { privateKey, publicJwk } = ownKey();
    const { header, claims } = partsOf(victim.accessToken);
    const sign = byEs256(privateKey);
    await expectRefused(forge({ ...header, ...extra(publicJwk) }, claims, sign));
    await expectRefused(forge({ ...header, kid: 'own', ...extra(publicJwk) }, claims, sign));
  });

  // Key ids that become file names or SQL in other services.
  test.each([
    '../../../../dev/null',
    "' OR '1'='1",
    '',
    '__proto__',
    'constructor',
    'x'.repeat(64),
  ])('gets nowhere with the kid %p', async (kid) => {
    const { header, claims } = partsOf(victim.accessToken);
    await expectRefused(forge({ ...header, kid }, claims, byEs256(ownKey().privateKey)));
    await expectRefused(forge({ ...header, kid }, claims, byHs256('')));
  });

  test('gets nowhere by changing one claim of a good token', async () => {
    const other = await registerPerson(app);
    const [header = '', , signature = ''] = victim.accessToken.split('.');
    const { claims } = partsOf(victim.accessToken);
    const changed = forge({}, { ...claims, sub: other.userId }, () => '').split('.')[1] ?? '';
    await expectRefused(`${header}.${changed}.${signature}`);
  });
});

// The header is an allow-list even for somebody who can have any claims signed.
describe('a token signed by the right key', () => {
  test.each([
    ['crit', { crit: ['exp'] }],
    ['crit for something unknown', { crit: ['b64'], b64: false }],
    ['jku', { jku: 'https://auth.test/jwks.json' }],
    ['x5u', { x5u: 'https://auth.test/cert.pem' }],
    ['another alg', { alg: 'ES384' }],
    ['no typ', { typ: undefined }],
    ['the plain typ', { typ: 'JWT' }],
    ['a ws typ for an access audience', { typ: 'ws+jwt' }],
  ])('is refused with %s', async (_name, extra) => {
    const { privateKey } = await stolenKey(app, 'access');
    const { header, claims } = partsOf(victim.accessToken);
    const sign = byEs256(privateKey);
    await app.clients.device.listDevices({}, bearer(forge(header, claims, sign)));
    await expectRefused(forge({ ...header, ...extra }, claims, sign));
  });

  test.each([
    ['another issuer', { iss: 'https://auth.example' }],
    ['another audience', { aud: 'whispr-refresh' }],
    ['a list of audiences', { aud: ['whispr'] }],
    ['no session', { sid: undefined }],
    ['a start far ahead', { iat: Math.floor(Date.now() / 1000) + 3_600 }],
  ])('is refused with %s', async (_name, extra) => {
    const { privateKey } = await stolenKey(app, 'access');
    const { header, claims } = partsOf(victim.accessToken);
    await expectRefused(forge(header, { ...claims, ...extra }, byEs256(privateKey)));
  });

  // RFC 8725 §3.11/§3.12: cross-use of kinds and purposes of tokens.
  test('of the other purpose is refused in both directions', async () => {
    const access = await stolenKey(app, 'access');
    const refresh = await stolenKey(app, 'refresh');
    const ofAccess = partsOf(victim.accessToken);
    const ofRefresh = partsOf(victim.refreshToken);
    const mixes: readonly (readonly [Fields, Fields, Sign])[] = [
      [ofAccess.header, ofAccess.claims, byEs256(refresh.privateKey)],
      [{ ...ofAccess.header, kid: refresh.kid }, ofAccess.claims, byEs256(refresh.privateKey)],
      [ofRefresh.header, ofRefresh.claims, byEs256(access.privateKey)],
      [{ ...ofRefresh.header, kid: access.kid }, ofRefresh.claims, byEs256(access.privateKey)],
    ];
    for (const [header, claims, sign] of mixes) await expectRefused(forge(header, claims, sign));
  });
});

describe('a token of another kind', () => {
  test('for a WebSocket opens nothing as a bearer', async () => {
    const { wsToken } = await app.clients.auth.createWsToken({}, bearer(victim.accessToken));
    const call = app.clients.device.listDevices({}, bearer(wsToken));
    expect((await refusalOf(call)).reason).toBe('TOKEN_INVALID');
    const another = app.clients.auth.createWsToken({}, bearer(wsToken));
    expect((await refusalOf(another)).reason).toBe('TOKEN_INVALID');
    const refresh = app.clients.auth.refreshTokens({ refreshToken: wsToken });
    expect((await refusalOf(refresh)).reason).toBe('TOKEN_INVALID');
  });

  test('is not what a WebSocket gateway asks for when it is an access or refresh token', async () => {
    for (const token of [victim.accessToken, victim.refreshToken]) {
      const checked = await app.clients.auth.validateToken({ token, use: 2 }, asService);
      expect(checked.active).toBe(false);
    }
  });
});
