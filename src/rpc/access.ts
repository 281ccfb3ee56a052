import { getOption } from '@bufbuild/protobuf';
import type { DescMethod } from '@bufbuild/protobuf';
import type { Interceptor } from '@connectrpc/connect';
import { AccessLevel, access as accessOption } from '../../gen/whispr/options/v1/access_pb.ts';
import { DomainError } from '../errors.ts';
import type { Principal } from '../token/principal.ts';
import { callIn } from './call.ts';
import type { Call } from './call.ts';

/** Who a bearer token is. @throws TOKEN_INVALID, TOKEN_EXPIRED, SESSION_REVOKED, STORE_UNAVAILABLE */
export type Authenticate = (token: string) => Principal | Promise<Principal>;

export interface AccessSettings {
  readonly authenticate: Authenticate;
  /** Mesh identities that may call SERVICE methods; undefined = every one but the edge's. */
  readonly serviceCallers?: ReadonlySet<string>;
}

/** RFC 6750 §2.1 `b64token`; our tokens stay under 1 KB, this only bounds the work. */
const BEARER = /^bearer +([\w.~+/-]{1,4096}=*)$/i;

/**
 * Lets a call through if its method's access option does; a method without one is for nobody.
 * Stands inside `deadline` and before `validate`: a stranger learns nothing about a method's fields.
 */
export function access(settings: AccessSettings): Interceptor {
  const levels = new Map<DescMethod, AccessLevel>();
  return (next) => (request) => {
    const call = callIn(request.contextValues);
    const level = levels.get(request.method) ?? remember(levels, request.method);
    if (level === AccessLevel.PUBLIC) return next(request);
    if (level === AccessLevel.SERVICE) {
      requireService(call, settings);
      return next(request);
    }
    const token = tokenFor(level, call);
    if (token === undefined) return next(request);
    const principal = settings.authenticate(token);
    if (!(principal instanceof Promise)) {
      call.principal = principal;
      return next(request);
    }
    return principal.then((found) => {
      call.principal = found;
      return next(request);
    });
  };
}

function requireService(call: Call, { serviceCallers }: AccessSettings): void {
  const { caller } = call;
  if (caller === undefined || serviceCallers?.has(caller) === false) throw callerNotAllowed();
}

/** The bearer token to check; undefined when none was sent and none is needed. */
function tokenFor(level: AccessLevel, call: Call): string | undefined {
  if (level !== AccessLevel.USER && level !== AccessLevel.OPTIONAL_USER) throw callerNotAllowed();
  const header = call.transport.headerValue('authorization');
  if (header !== undefined) return bearerOf(header);
  if (level === AccessLevel.OPTIONAL_USER) return undefined;
  throw new DomainError('TOKEN_MISSING', 'Please sign in first.');
}

/** Two headers arrive joined by a comma, which no token contains: refused, never picked from. */
function bearerOf(header: string): string {
  const token = BEARER.exec(header)?.[1];
  if (token !== undefined) return token;
  throw new DomainError('TOKEN_INVALID', 'Your sign-in is not valid. Please sign in again.');
}

function remember(levels: Map<DescMethod, AccessLevel>, method: DescMethod): AccessLevel {
  const level = getOption(method, accessOption);
  levels.set(method, level);
  return level;
}

function callerNotAllowed(): DomainError {
  return new DomainError('CALLER_NOT_ALLOWED', 'This caller may not use this method.');
}
