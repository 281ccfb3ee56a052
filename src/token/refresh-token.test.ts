import { beforeEach, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { trialTokens } from '../../test/support/trial-key-ring.ts';
import type { TrialTokens } from '../../test/support/trial-key-ring.ts';
import { mintAccessToken } from './access-token.ts';
import { signJws } from './jws.ts';
import { checkRefreshToken, mintRefreshToken } from './refresh-token.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5) / 1000;
const grant = { sessionId: 's', counter: 3, expiresAtSeconds: now + 1000 };

let deps: TrialTokens;

beforeEach(async () => {
  deps = await trialTokens();
});

function tokenWith(change: Readonly<Record<string, unknown>>): string {
  const claims = { ...decodeJwt(mintRefreshToken(deps, grant)), ...change };
  return signJws('rt+jwt', claims, deps.keyRing.signer('refresh'));
}

describe('a refresh token', () => {
  test('names a session and a counter, and no person, device or number', () => {
    expect(decodeJwt(mintRefreshToken(deps, grant))).toEqual({
      iss: 'https://auth.example',
      aud: 'whispr-refresh',
      sid: 's',
      ctr: 3,
      iat: now,
      exp: now + 1000,
    });
  });

  test('gives its grant back until it ends', () => {
    const token = mintRefreshToken(deps, grant);
    expect(checkRefreshToken(deps, token)).toEqual({ status: 'valid', grant });
    deps.clock.pass(1000);
    expect(checkRefreshToken(deps, token)).toEqual({ status: 'expired' });
  });

  test('is nothing that an access key can sign', () => {
    const claims = decodeJwt(mintRefreshToken(deps, grant));
    const forged = signJws('rt+jwt', claims, deps.keyRing.signer('access'));

    expect(checkRefreshToken(deps, forged)).toEqual({ status: 'unknown_key' });
  });

  test('cannot be replaced by an access token', () => {
    const access = mintAccessToken(deps, {
      accountId: 'a',
      deviceId: 'd',
      sessionId: 's',
      authTimeSeconds: now,
      sessionEndsAtSeconds: now + 1000,
      methods: [],
      contextClass: 'phone',
    });

    expect(checkRefreshToken(deps, access.token)).toEqual({ status: 'invalid' });
  });

  test.each([
    ['the audience of access tokens', { aud: 'whispr' }],
    ['a list of audiences', { aud: ['whispr-refresh'] }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['no session', { sid: undefined }],
    ['no counter', { ctr: undefined }],
    ['a negative counter', { ctr: -1 }],
    ['a broken counter', { ctr: 1.5 }],
    ['a counter beyond exact numbers', { ctr: 2 ** 53 }],
    ['a counter that is text', { ctr: '3' }],
    ['no end', { exp: undefined }],
  ])('with %s is refused, though rightly signed', (_name, change) => {
    expect(checkRefreshToken(deps, tokenWith(change))).toEqual({ status: 'invalid' });
  });
});
