import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, customFetch, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import type { JWTVerifyOptions } from 'jose';
import { registerPerson } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { startRest } from '../rest/rest.ts';
import type { Rest } from '../rest/rest.ts';
import { byEs256, forge, partsOf, stolenKey } from './forge.ts';

type KeySet = ReturnType<typeof createRemoteJWKSet>;

const JWKS = '/auth/.well-known/jwks.json';
let rest: Rest;
let person: SignedIn;
let keys: KeySet;

beforeAll(async () => {
  rest = await startRest();
  person = await registerPerson(rest.app);
  keys = createRemoteJWKSet(new URL(`http://auth.test${JWKS}`), { [customFetch]: readKeys });
});
afterAll(() => rest.stop());

/** Through the edge, as a sibling asks, over a connection that ends with its answer. */
async function readKeys(): Promise<Response> {
  const { status, text } = await rest.send({ method: 'GET', path: JWKS });
  return new Response(text, { status });
}

/** What careless and careful siblings check; none of them knows of our sessions. */
const SIBLINGS: readonly (readonly [string, JWTVerifyOptions])[] = [
  ['checks the signature only', {}],
  ['checks the algorithm', { algorithms: ['ES256'] }],
  ['checks the issuer', { issuer: 'https://auth.test' }],
  ['checks everything', { issuer: 'https://auth.test', audience: 'whispr', typ: 'at+jwt' }],
];

// OWASP ASVS 5.0 §9.2 (token purpose) and RFC 9068 §4: siblings that verify with our JWKS alone must
// not be fooled by a refresh token, which they may well be shown.
describe.each(SIBLINGS)('a sibling that %s', (_name, options) => {
  test('takes the access token', async () => {
    const { payload } = await jwtVerify(person.accessToken, keys, options);
    expect(payload.sub).toBe(person.userId);
  });

  test('does not take the refresh token for one', async () => {
    await expect(jwtVerify(person.refreshToken, keys, options)).rejects.toThrow();
  });

  test('does not take it for one when its kid is changed to a published one', async () => {
    const { header, claims } = partsOf(person.refreshToken);
    const [first] = await publishedKids();
    const signature = person.refreshToken.split('.')[2] ?? '';
    const token = forge({ ...header, kid: first }, claims, () => signature);
    await expect(jwtVerify(token, keys, options)).rejects.toThrow();
  });
});

test('a refresh token says nothing of person, device or number, and a ws-token no number', async () => {
  const [device] = await rest.app.sql<{ id: string }>('SELECT id FROM devices');
  const claims = decodeJwt(person.refreshToken);
  expect(Object.keys(claims).sort()).toEqual(['aud', 'ctr', 'exp', 'iat', 'iss', 'sid']);
  const text = JSON.stringify(claims);
  for (const told of [person.userId, device?.id ?? '', person.phone.slice(1)]) {
    expect(text).not.toContain(told);
  }
});

test('the key of refresh tokens is published in no state: pending, active or retired', async () => {
  await rest.app.sql(
    `INSERT INTO signing_keys (kid, purpose, state, public_jwk, private_sealed)
     SELECT kid || '-next', purpose, 'pending', public_jwk, private_sealed FROM signing_keys`,
  );
  const replica = await rest.app.replica();
  const { data } = await replica.clients.auth.getJwks({});
  const { kid = '' } = decodeProtectedHeader(person.refreshToken);
  const text = Buffer.from(data).toString();
  expect(text).toContain('-next');
  expect(text).not.toContain(kid);
  await replica.stop();
  await rest.app.sql(`DELETE FROM signing_keys WHERE state = 'pending'`);
});

test('what is published of a key is its public half', async () => {
  const text = await (await readKeys()).text();
  const { privateKey } = await stolenKey(rest.app, 'access');
  const { d = '' } = privateKey.export({ format: 'jwk' });
  expect(d).not.toBe('');
  expect(text).not.toContain(d);
  expect(text).not.toContain('"d"');
});

// A leaked published key forges access tokens until it is retired; it must not forge sessions.
test('a leaked published key forges no refresh token', async () => {
  const { kid, privateKey } = await stolenKey(rest.app, 'access');
  const { header, claims } = partsOf(person.refreshToken);
  const refreshToken = forge({ ...header, kid }, claims, byEs256(privateKey));
  const from = { method: 'POST', path: '/auth/v1/tokens/refresh' };
  expect((await rest.send({ ...from, json: { refreshToken } })).status).toBe(401);
});

async function publishedKids(): Promise<(string | undefined)[]> {
  const answer: unknown = await (await readKeys()).json();
  const published: unknown = Reflect.get(Object(answer), 'keys');
  const list: unknown[] = Array.isArray(published) ? published : [];
  return list.map((key) => String(Reflect.get(Object(key), 'kid')));
}
