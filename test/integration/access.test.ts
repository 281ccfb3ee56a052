import { getOption } from '@bufbuild/protobuf';
import type { DescMethod } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { DeviceService } from '../../gen/whispr/device/v1/device_service_pb.ts';
import { KeyDirectoryService } from '../../gen/whispr/keys/v1/key_directory_service_pb.ts';
import { OpsService } from '../../gen/whispr/ops/v1/ops_service_pb.ts';
import { access, AccessLevel } from '../../gen/whispr/options/v1/access_pb.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer } from '../support/client.ts';
import { registerPerson } from '../support/person.ts';

const METHODS = [AuthService, DeviceService, KeyDirectoryService, OpsService].flatMap(
  (service) => service.methods,
);
const sameBytes = (bytes: Buffer) => bytes;
let app: TestApp;
let client: Client;
let revokedToken: string;

beforeAll(async () => {
  app = await startApp();
  client = new Client(`127.0.0.1:${app.ports.grpc}`, credentials.createInsecure());
  const { accessToken } = await registerPerson(app);
  await app.clients.auth.logout({}, bearer(accessToken));
  revokedToken = accessToken;
});
afterAll(async () => {
  client.close();
  await app.stop();
});

describe.each(methodsOf(AccessLevel.USER))('%s, for users,', (_name, method) => {
  test('refuses a caller without a token, with a bad one, and with a revoked one', async () => {
    expect(await reasonFor(method, {})).toBe('TOKEN_MISSING');
    expect(await reasonFor(method, { authorization: 'Bearer e30.e30.e30' })).toBe('TOKEN_INVALID');
    expect(await reasonFor(method, { authorization: 'Basic dXNlcjpwYXNz' })).toBe('TOKEN_INVALID');
    const revoked = { authorization: `Bearer ${revokedToken}` };
    expect(await reasonFor(method, revoked)).toBe('SESSION_REVOKED');
  });
});

describe.each(methodsOf(AccessLevel.OPTIONAL_USER))(
  '%s, for anybody or a user,',
  (_name, method) => {
    test('refuses a token that is no longer good instead of ignoring it', async () => {
      const revoked = { authorization: `Bearer ${revokedToken}` };
      expect(await reasonFor(method, revoked)).toBe('SESSION_REVOKED');
    });
  },
);

describe.each(methodsOf(AccessLevel.SERVICE))('%s, for services,', (_name, method) => {
  test('refuses everybody without a mesh identity, however it is forged', async () => {
    const { accessToken } = await registerPerson(app);
    const forged = 'By=spiffe://x;URI=spiffe://cluster.local/ns/whispr/sa/user-service';
    const attempts: Record<string, string>[] = [
      {},
      { authorization: `Bearer ${accessToken}` },
      { 'x-forwarded-client-cert': forged },
      { 'x-test-caller': 'a guess' },
    ];
    for (const headers of attempts) {
      expect(await reasonFor(method, headers)).toBe('CALLER_NOT_ALLOWED');
    }
  });
});

test('every method belongs to one of the four kinds', () => {
  const kinds = METHODS.map((method) => getOption(method, access));
  expect(kinds).not.toContain(AccessLevel.UNSPECIFIED);
});

function methodsOf(level: AccessLevel): [string, DescMethod][] {
  return METHODS.filter((method) => getOption(method, access) === level).map((method) => [
    method.name,
    method,
  ]);
}

async function reasonFor(method: DescMethod, headers: Record<string, string>): Promise<string> {
  const error = await call(method, headers);
  const [details] = error?.metadata.get('grpc-status-details-bin') ?? [];
  const text = Buffer.from(details ?? '').toString('latin1');
  return /[A-Z][A-Z_]{5,}/.exec(text)?.[0] ?? `no reason, ${String(error?.message)}`;
}

function call(
  method: DescMethod,
  headers: Record<string, string>,
): Promise<ServiceError | undefined> {
  const path = `/${method.parent.typeName}/${method.name}`;
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const empty = Buffer.alloc(0);
  return new Promise((resolve) => {
    if (method.methodKind === 'unary') {
      client.makeUnaryRequest(path, sameBytes, sameBytes, empty, metadata, (error) => {
        resolve(error ?? undefined);
      });
      return;
    }
    const stream = client.makeServerStreamRequest(path, sameBytes, sameBytes, empty, metadata);
    stream.on('data', () => {
      stream.cancel();
    });
    stream.on('error', (error: ServiceError) => {
      resolve(error.code === status.CANCELLED ? undefined : error);
    });
  });
}
