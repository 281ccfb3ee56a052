import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import type { DescMethod } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { DeviceService } from '../../gen/whispr/device/v1/device_service_pb.ts';
import { KeyDirectoryService } from '../../gen/whispr/keys/v1/key_directory_service_pb.ts';
import { OpsService } from '../../gen/whispr/ops/v1/ops_service_pb.ts';
import { SERVICE_TEST_TOKEN, startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { livePerson } from '../support/live-value.ts';
import { requestBytes } from '../support/random-message.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 60);
const SERVICES = [AuthService, DeviceService, KeyDirectoryService, OpsService];
const METHODS = SERVICES.flatMap((service) => service.methods);
/** What a caller may be told of what it sent; INTERNAL, UNKNOWN and DATA_LOSS would be our fault. */
const ALLOWED = new Set([
  status.OK,
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.RESOURCE_EXHAUSTED,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.UNIMPLEMENTED,
  status.ABORTED,
]);
const sameBytes = (bytes: Buffer) => bytes;

let app: TestApp;
let client: Client;
let metadata: Metadata;

beforeAll(async () => {
  app = await startApp();
  client = new Client(`127.0.0.1:${app.ports.grpc}`, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await app.stop();
});

describe('random bytes and random fields', () => {
  test.each(METHODS.map((method) => [method.name, method] as const))(
    'to %s never get an INTERNAL answer, and every refusal carries a reason',
    async (_name, method) => {
      const live = await signInAnew(method);
      const property = fc.asyncProperty(requestBytes(method.input, live), async (bytes) => {
        const error = await call(method, Buffer.from(bytes));
        if (error === undefined) return;
        expect(ALLOWED).toContain(error.code);
        expect(error.metadata.get('grpc-status-details-bin')).toHaveLength(1);
      });
      await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
    },
    60_000,
  );

  test('never reached the defect log', () => {
    expect(app.logs.filter((line) => line.includes('rpc.defect'))).toEqual([]);
  });
});

/** A fuzzed call may end its own session, so every method gets a new one; says what would be right. */
async function signInAnew(method: DescMethod): Promise<readonly string[]> {
  const { accessToken, values } = await livePerson(app, method.input);
  metadata = new Metadata();
  metadata.set('authorization', `Bearer ${accessToken}`);
  metadata.set('x-test-caller', SERVICE_TEST_TOKEN);
  return values;
}

/** The error of a call, or nothing when it was answered (of a stream, by its first message). */
function call(method: DescMethod, bytes: Buffer): Promise<ServiceError | undefined> {
  const path = `/${method.parent.typeName}/${method.name}`;
  const deadline = { deadline: Date.now() + 3_000 };
  return new Promise((resolve) => {
    if (method.methodKind === 'unary') {
      client.makeUnaryRequest(path, sameBytes, sameBytes, bytes, metadata, deadline, (error) => {
        resolve(error ?? undefined);
      });
      return;
    }
    const stream = client.makeServerStreamRequest(
      path,
      sameBytes,
      sameBytes,
      bytes,
      metadata,
      deadline,
    );
    const isQuiet = setTimeout(() => stream.cancel(), 150);
    stream.once('data', () => {
      resolve(undefined);
      stream.cancel();
    });
    stream.once('end', () => resolve(undefined));
    stream.on('error', (error: ServiceError) => {
      clearTimeout(isQuiet);
      resolve(error.code === status.CANCELLED ? undefined : error);
    });
  });
}
