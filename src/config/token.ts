import { integer, keySet, secret, text } from './read.ts';
import { required, setting, optional, hidden, MINUTE, HOUR, DAY } from './setting.ts';

/** Tokens, signing keys and the keys that seal and hash. */
export const tokenSettings = {
  jwtIssuer: required('JWT_ISSUER', text, 'iss of every token'),
  jwtAccessAudience: required(
    'JWT_AUDIENCE',
    text,
    'aud of access tokens; siblings compare it exactly',
  ),
  jwtRefreshAudience: setting(
    'JWT_REFRESH_AUDIENCE',
    text,
    'whispr-auth-refresh',
    'aud of refresh tokens; never that of access tokens',
  ),
  jwtPrivateKey: hidden(
    optional('JWT_PRIVATE_KEY', secret, 'PEM of a P-256 key, imported as the first access key'),
  ),
  jwtPublicKey: optional('JWT_PUBLIC_KEY', text, 'PEM that must belong to JWT_PRIVATE_KEY'),
  accessTokenTtlSeconds: setting(
    'JWT_ACCESS_TTL_SECONDS',
    integer(121, HOUR),
    10 * MINUTE,
    'life of an access token; the deployed app loops at 2 min or less',
  ),
  wsTokenTtlSeconds: setting(
    'JWT_WS_TTL_SECONDS',
    integer(10, 5 * MINUTE),
    MINUTE,
    'life of a ws-token',
  ),
  signingKeyPendingSeconds: setting(
    'JWT_KEY_PENDING_SECONDS',
    integer(0, 30 * DAY),
    DAY,
    'time that a signing key is published before it signs',
  ),
  keyEncryptionKeys: hidden(
    required(
      'KEY_ENCRYPTION_KEYS',
      keySet,
      '256-bit keys that seal stored secrets, kid:base64, newest first',
    ),
  ),
  codePeppers: hidden(
    required(
      'CODE_PEPPERS',
      keySet,
      '256-bit keys of codes and keyed hashes, kid:base64, newest first',
    ),
  ),
};
