import { beforeEach, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import type { JSONWebKeySet } from 'jose';
import { trialTokens } from '../../test/support/trial-key-ring.ts';
import type { TrialTokens } from '../../test/support/trial-key-ring.ts';
import { checkAccessToken, checkWsToken, mintAccessToken, mintWsToken } from './access-token.ts';
import { signJws } from './jws.ts';
import { mintRefreshToken } from './refresh-token.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5) / 1000;
const subject = {
  accountId: '6f1f7a52-0000-4000-8000-000000000001',
  deviceId: '6f1f7a52-0000-4000-8000-000000000002',
  sessionId: '6f1f7a52-0000-4000-8000-000000000003',
  authTimeSeconds: now - 100,
  sessionEndsAtSeconds: now + 10_000,
  methods: ['sms'],
  contextClass: 'phone',
};
const grant = { sessionId: subject.sessionId, counter: 0, expiresAtSeconds: now + 10_000 };

let deps: TrialTokens;

beforeEach(async () => {
  deps = await trialTokens();
});

/** Verifies as a sibling does: with what it reads from the JWKS. */
function verifyAsSibling(token: string) {
  const jwks = keySetIn(deps.keyRing.jwks().body.toString());
  const currentDate = new Date(deps.clock.ms);
  return jwtVerify(token, createLocalJWKSet(jwks), { currentDate });
}

function keySetIn(text: string): JSONWebKeySet {
  const parsed: unknown = JSON.parse(text);
  if (isKeySet(parsed)) return parsed;
  throw new Error(`This is no JWKS: ${text}`);
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return typeof value === 'object' && value !== null && 'keys' in value;
}

/** An access token with other claims, rightly signed. */
function tokenWith(change: Readonly<Record<string, unknown>>): string {
  const claims = { ...decodeJwt(mintAccessToken(deps, subject).token), ...change };
  return signJws('at+jwt', claims, deps.keyRing.signer('access'));
}

describe('an access token', () => {
  test('carries exactly the claims that siblings read, and no phone number', () => {
    const { token, expiresInSeconds } = mintAccessToken(deps, subject);

    expect(expiresInSeconds).toBe(600);
    expect(decodeJwt(token)).toEqual({
      iss: 'https://auth.example',
      aud: 'whispr',
      sub: subject.accountId,
      deviceId: subject.deviceId,
      sid: subject.sessionId,
      jti: '00000000-0000-4000-8000-000000000001',
      iat: now,
      nbf: now,
      exp: now + 600,
      auth_time: now - 100,
      amr: ['sms'],
      acr: 'phone',
    });
  });

  test('is ASCII and stays below a kilobyte', () => {
    const { token } = mintAccessToken(deps, { ...subject, methods: ['sms', 'otp', 'mfa'] });

    expect(token).toMatch(/^[\w.-]{1,1024}$/);
  });

  test('is accepted by a sibling that knows nothing but the JWKS', async () => {
    const { payload } = await verifyAsSibling(mintAccessToken(deps, subject).token);

    expect(payload.sub).toBe(subject.accountId);
  });

  test('gives its bearer back', () => {
    expect(checkAccessToken(deps, mintAccessToken(deps, subject).token)).toEqual({
      status: 'valid',
      principal: {
        accountId: subject.accountId,
        deviceId: subject.deviceId,
        sessionId: subject.sessionId,
        tokenId: '00000000-0000-4000-8000-000000000001',
        authTimeSeconds: now - 100,
        issuedAtSeconds: now,
        expiresAtSeconds: now + 600,
        methods: ['sms'],
        contextClass: 'phone',
      },
    });
  });

  test('does not outlive its session', () => {
    const ending = { ...subject, sessionEndsAtSeconds: now + 5 };

    expect(mintAccessToken(deps, ending).expiresInSeconds).toBe(5);
  });

  test('ends at its exp to the second', () => {
    const { token } = mintAccessToken(deps, subject);
    deps.clock.pass(599);
    expect(checkAccessToken(deps, token).status).toBe('valid');
    deps.clock.pass(1);
    expect(checkAccessToken(deps, token).status).toBe('expired');
  });

  test('may come from a clock that is 30 s ahead, and no more', () => {
    expect(checkAccessToken(deps, tokenWith({ iat: now + 30 })).status).toBe('valid');
    expect(checkAccessToken(deps, tokenWith({ iat: now + 31 })).status).toBe('invalid');
  });

  test.each([
    ['another issuer', { iss: 'https://evil.example' }],
    ['the issuer with a slash', { iss: 'https://auth.example/' }],
    ['another audience', { aud: 'other' }],
    ['a list of audiences that has ours', { aud: ['whispr'] }],
    ['no audience', { aud: undefined }],
    ['no account', { sub: undefined }],
    ['no device', { deviceId: undefined }],
    ['no session', { sid: 7 }],
    ['no id', { jti: null }],
    ['no end', { exp: undefined }],
    ['an end that is text', { exp: '9999999999' }],
    ['no time of issue', { iat: undefined }],
  ])('with %s is refused, though rightly signed', (_name, change) => {
    expect(checkAccessToken(deps, tokenWith(change))).toEqual({ status: 'invalid' });
  });
});

describe('the kinds of token', () => {
  test('are each refused in the place of the others', () => {
    const { principal } = validPrincipal();
    const access = mintAccessToken(deps, subject).token;
    const ws = mintWsToken(deps, principal).token;
    const refresh = mintRefreshToken(deps, grant);

    expect(checkWsToken(deps, ws).status).toBe('valid');
    expect(checkAccessToken(deps, ws).status).toBe('invalid');
    expect(checkWsToken(deps, access).status).toBe('invalid');
    expect(checkAccessToken(deps, refresh).status).toBe('invalid');
    expect(checkWsToken(deps, refresh).status).toBe('invalid');
  });

  test('do not let a refresh token pass a sibling: its key is in no JWKS', async () => {
    await expect(verifyAsSibling(mintRefreshToken(deps, grant))).rejects.toMatchObject({
      code: 'ERR_JWKS_NO_MATCHING_KEY',
    });
  });

  test('do not let a refresh key sign an access token', () => {
    const claims = decodeJwt(mintAccessToken(deps, subject).token);
    const forged = signJws('at+jwt', claims, deps.keyRing.signer('refresh'));

    expect(checkAccessToken(deps, forged)).toEqual({ status: 'unknown_key' });
  });

  test('give the ws-token its audience, a minute, and nothing of how its bearer signed in', () => {
    const { token, expiresInSeconds } = mintWsToken(deps, validPrincipal().principal);

    expect(expiresInSeconds).toBe(60);
    expect(Object.keys(decodeJwt(token)).sort()).toEqual(
      ['aud', 'deviceId', 'exp', 'iat', 'iss', 'jti', 'sid', 'sub'].sort(),
    );
    expect(decodeJwt(token).aud).toBe('ws');
    deps.clock.pass(60);
    expect(checkWsToken(deps, token).status).toBe('expired');
  });
});

function validPrincipal() {
  const check = checkAccessToken(deps, mintAccessToken(deps, subject).token);
  if (check.status !== 'valid') throw new Error('The token of this test is not valid');
  return check;
}
