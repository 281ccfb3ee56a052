import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { create, fromBinary, fromJson, toBinary, toJson } from '@bufbuild/protobuf';
import type { DescMethod, JsonValue } from '@bufbuild/protobuf';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { DeviceService } from '../../gen/whispr/device/v1/device_service_pb.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { newNumber } from '../support/person.ts';

/** One gRPC call with JSON on both sides; rejects when it is refused. */
type Call = (method: DescMethod, request: JsonValue, token?: string) => Promise<Answer>;
type Answer = Readonly<Record<string, unknown>>;

const run = promisify(execFile);
const BUF = join(import.meta.dirname, '../../node_modules/.bin/buf');
let app: TestApp;
let client: Client;

beforeAll(async () => {
  app = await startApp();
  client = new Client(`127.0.0.1:${app.ports.grpc}`, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await app.stop();
});

describe.each([
  ['a grpc-js client', byGrpcJs],
  ['buf curl with reflection', byBufCurl],
] as const)('by %s, a person', (_name, call: Call) => {
  test('registers, lists devices, refreshes, logs out and signs in from a second device', async () => {
    const phoneNumber = newNumber();
    const { auth, device } = { auth: AuthService.method, device: DeviceService.method };

    const asked = await call(auth.requestRegisterVerification, { phoneNumber });
    const verificationId = String(asked['verificationId']);
    const code = app.inbox.codeFor(phoneNumber);
    await call(auth.confirmRegisterVerification, { verificationId, code });
    const first = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
    const tokens = await call(auth.register, first);
    const accessToken = String(tokens['accessToken']);

    const { devices } = await call(device.listDevices, {}, accessToken);
    expect(devices).toHaveLength(1);
    const refreshToken = String(tokens['refreshToken']);
    const next = await call(auth.refreshTokens, { refreshToken });
    const nextToken = String(next['accessToken']);
    expect(await call(auth.createWsToken, {}, nextToken)).toHaveProperty('wsToken');
    await call(auth.logout, {}, nextToken);
    await expect(call(device.listDevices, {}, nextToken)).rejects.toThrow(/signed out/);
    await expect(call(device.listDevices, {}, accessToken)).rejects.toThrow(/signed out/);

    const again = await call(auth.requestLoginVerification, { phoneNumber });
    const loginId = String(again['verificationId']);
    const loginCode = app.inbox.codeFor(phoneNumber);
    await call(auth.confirmLoginVerification, { verificationId: loginId, code: loginCode });
    const second = { verificationId: loginId, deviceId: randomUUID(), deviceType: 'android' };
    expect(await call(auth.login, second)).toMatchObject({ userId: tokens['userId'] });
  });
});

function byGrpcJs(method: DescMethod, request: JsonValue, token?: string): Promise<Answer> {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  const message = fromJson(method.input, request);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      pathOf(method),
      () => Buffer.from(toBinary(method.input, message)),
      (bytes: Buffer) => answerOf(toJson(method.output, fromBinary(method.output, bytes))),
      create(method.input),
      metadata,
      (error, answer) => {
        if (error) reject(error);
        else resolve(answer ?? {});
      },
    );
  });
}

async function byBufCurl(method: DescMethod, request: JsonValue, token?: string): Promise<Answer> {
  const header = token === undefined ? [] : ['-H', `authorization: Bearer ${token}`];
  const url = `http://127.0.0.1:${app.ports.grpc}${pathOf(method)}`;
  const options = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...header];
  const { stdout } = await run(BUF, [...options, '-d', JSON.stringify(request), url]);
  const answer: unknown = JSON.parse(stdout);
  return answerOf(answer);
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function answerOf(json: unknown): Answer {
  const isAnswer = (value: unknown): value is Answer => typeof value === 'object' && value !== null;
  return isAnswer(json) ? json : {};
}
