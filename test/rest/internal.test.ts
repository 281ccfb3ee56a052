import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ErrorInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { readServices } from '../../envoy/method.ts';
import { SERVICE_TEST_TOKEN } from '../support/app.ts';
import { newNumber } from '../support/person.ts';
import { DeployedApp, reasonOf } from './deployed-app.ts';
import { startRest } from './rest.ts';
import type { Rest } from './rest.ts';

let rest: Rest;

beforeAll(async () => {
  rest = await startRest({ KEY_SIGNATURE_POLICY: 'legacy' });
});

afterAll(async () => {
  await rest.stop();
});

const baseUrl = () => `http://127.0.0.1:${rest.edge.port}`;
const transports = [
  ['native gRPC', () => createGrpcTransport({ baseUrl: baseUrl() })],
  ['gRPC-Web', () => createGrpcWebTransport({ baseUrl: baseUrl(), httpVersion: '1.1' })],
] as const;

describe.each(transports)('through the edge, %s', (_name, transport) => {
  it('reaches methods for everybody and for users', async () => {
    const auth = createClient(AuthService, transport());
    const { verificationId } = await auth.requestRegisterVerification({ phoneNumber: newNumber() });
    expect(verificationId).toMatch(/^[0-9a-f-]{36}$/);
    const { accessToken } = await new DeployedApp(rest).signIn('register');
    const headers = { authorization: `Bearer ${accessToken}` };
    const { expiresIn } = await auth.createWsToken({}, { headers });
    expect(expiresIn).toBe(60);
  });

  it('gets errors with their details', async () => {
    const auth = createClient(AuthService, transport());
    const error = await errorOf(auth.createWsToken({}));
    expect([error.code, infoOf(error)]).toEqual([Code.Unauthenticated, 'TOKEN_MISSING']);
    expect(error.metadata.get('www-authenticate')).toBe('Bearer realm="whispr"');
  });

  it('is refused methods for services, even with a caller’s token', async () => {
    const auth = createClient(AuthService, transport());
    const headers = { 'x-test-caller': SERVICE_TEST_TOKEN };
    const error = await errorOf(auth.validateToken({ token: 'x' }, { headers }));
    expect([error.code, infoOf(error)]).toEqual([Code.PermissionDenied, 'CALLER_NOT_ALLOWED']);
  });

  it('is told when a message is too large', async () => {
    const auth = createClient(AuthService, transport());
    for (const bytes of [80_000, 200_000]) {
      const error = await errorOf(auth.refreshTokens({ refreshToken: 'x'.repeat(bytes) }));
      expect([error.code, infoOf(error)]).toEqual([Code.InvalidArgument, 'MESSAGE_TOO_LARGE']);
    }
  });
});

describe('paths of gRPC at the edge', () => {
  const hidden = [
    ...readServices()
      .methods.filter(({ isForServices }) => isForServices)
      .map(({ path }) => path),
    '/grpc.health.v1.Health/Check',
    '/grpc.health.v1.Health/Watch',
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
    '/whispr.user.v1.UserService/ProvisionUser',
  ];

  it.each(hidden)('%s is refused in every protocol', async (path) => {
    for (const type of [
      'application/grpc',
      'application/grpc+proto',
      'application/grpc-web+proto',
    ]) {
      const text = Buffer.from([0, 0, 0, 0, 0]);
      const headers = { 'content-type': type, te: 'trailers' };
      const answer = await rest.send({ method: 'POST', path, headers, text });
      expect(['7', '12']).toContain(answer.headers['grpc-status']);
      expect(answer.headers['content-type']?.startsWith('application/grpc-web')).toBe(
        type.startsWith('application/grpc-web'),
      );
    }
    for (const method of ['GET', 'POST']) {
      const answer = await rest.send({
        method,
        path,
        headers: { 'content-type': 'application/json' },
      });
      expect([answer.status, reasonOf(answer)]).toEqual([404, 'METHOD_UNKNOWN']);
    }
  });

  it('are not reached with JSON, known methods either', async () => {
    const path = '/whispr.auth.v1.AuthService/GetJwks';
    expect((await rest.send({ method: 'POST', path, json: {} })).status).toBe(404);
  });
});

async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error('The call was not refused');
}

function infoOf(error: ConnectError): string | undefined {
  return error.findDetails(ErrorInfoSchema)[0]?.reason;
}
