import { cidrs, flag, list, oneOf, secret, text, url } from './read.ts';
import { setting, optional, hidden, safeInProduction } from './setting.ts';

/** What the edge, the mesh and clients are told. */
export const edgeSettings = {
  revealAccountExistence: setting(
    'REVEAL_ACCOUNT_EXISTENCE',
    flag,
    false,
    'tell at the request whether a number has an account',
  ),
  swaggerEnabled: setting(
    'SWAGGER_ENABLED',
    flag,
    true,
    'serve Swagger UI and the OpenAPI document',
  ),
  corsOrigins: setting(
    'CORS_ORIGINS',
    list,
    [],
    'origins that browsers may call from; read by the edge',
  ),
  publicUrl: optional('PUBLIC_URL', url, 'public address of the REST edge'),
  stateDir: optional(
    'STATE_DIR',
    text,
    'small durable folder outside PostgreSQL for the restore marker',
  ),
  keySignaturePolicy: setting(
    'KEY_SIGNATURE_POLICY',
    oneOf(['strict', 'legacy']),
    'strict',
    'whether key bundles with unverifiable signatures are accepted',
  ),
  meshIdentity: setting(
    'MESH_IDENTITY',
    oneOf(['none', 'istio']),
    'none',
    'who vouches for the caller’s identity',
  ),
  edgePrincipals: setting(
    'EDGE_PRINCIPALS',
    list,
    [],
    'mesh identities of the edge, believed about client addresses',
  ),
  trustedEdgeCidrs: safeInProduction(
    setting(
      'TRUSTED_EDGE_CIDRS',
      cidrs,
      cidrs('127.0.0.0/8,::1/128'),
      'peers believed about client addresses where there is no mesh',
    ),
    cidrs(''),
  ),
  serviceTestToken: hidden(
    optional(
      'SERVICE_TEST_TOKEN',
      secret,
      'lets a test call SERVICE methods; development and test only',
    ),
  ),
};
