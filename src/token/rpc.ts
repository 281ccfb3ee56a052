import type { ServiceImpl } from '@connectrpc/connect';
import type { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import type { KeyRing } from './key-ring.ts';

export type TokenSlice = Pick<ServiceImpl<typeof AuthService>, 'getJwks'>;

/** The public keys, answered from memory: siblings need them most when a store is down. */
export function createTokenSlice(deps: { readonly keyRing: KeyRing }): TokenSlice {
  return {
    getJwks: (_request, context) => {
      const { body, etag } = deps.keyRing.jwks();
      context.responseHeader.set('cache-control', 'public, max-age=300');
      context.responseHeader.set('etag', etag);
      return { contentType: 'application/json', data: body };
    },
  };
}
