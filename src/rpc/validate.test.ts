import { describe, expect, test } from '@jest/globals';
import { create, fromBinary } from '@bufbuild/protobuf';
import type { DescMethodUnary, Message } from '@bufbuild/protobuf';
import { createContextValues } from '@connectrpc/connect';
import { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { LoginRequestSchema } from '../../gen/whispr/auth/v1/session_pb.ts';
import { KeyDirectoryService } from '../../gen/whispr/keys/v1/key_directory_service_pb.ts';
import { UploadOneTimePreKeysRequestSchema } from '../../gen/whispr/keys/v1/publication_pb.ts';
import { DomainError } from '../errors.ts';
import { validate } from './validate.ts';

const interceptor = validate([...AuthService.methods, ...KeyDirectoryService.methods]);

/** What a unary call of `method` with `message` is refused with. */
function refusalOf(method: DescMethodUnary, message: Message): DomainError | undefined {
  const next = interceptor(() => new Promise(() => undefined));
  try {
    void next({
      stream: false,
      method,
      message,
      service: method.parent,
      requestMethod: 'POST',
      url: '',
      signal: new AbortController().signal,
      header: new Headers(),
      contextValues: createContextValues(),
    });
    return undefined;
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

describe('validation', () => {
  test('names every broken field by its JSON path, into lists and messages', () => {
    const message = create(LoginRequestSchema, {
      verificationId: '6f2b1c1e-8f0a-4b68-9d9e-1f7d5a3b2c10',
      deviceId: 'nonsense',
      signalKeyBundle: {
        signedPreKey: { keyId: -1 >>> 0, publicKey: new Uint8Array(33) },
        preKeys: [{ keyId: 1, publicKey: new Uint8Array(33) }, { keyId: -1 >>> 0 }],
      },
    });
    const refusal = refusalOf(AuthService.method.login, message);
    const fields = refusal?.options.violations?.map(({ field }) => field) ?? [];
    expect(refusal?.reason).toBe('VALIDATION_FAILED');
    expect(fields).toContain('deviceId');
    expect(fields.some((field) => field.startsWith('signalKeyBundle.preKeys[1]'))).toBe(true);
    expect(refusal?.message).toMatch(/^The request is not valid \(deviceId: .+\)\.$/);
  });

  test('lets a valid message through', () => {
    const message = create(LoginRequestSchema, {
      verificationId: '6f2b1c1e-8f0a-4b68-9d9e-1f7d5a3b2c10',
      deviceId: '0d6b1a2c-3d4e-4a0e-9f6e-b5cfa0a20a4f',
    });
    expect(refusalOf(AuthService.method.login, message)).toBeUndefined();
  });

  test('of 250,000 broken elements takes next to no time and names one', () => {
    const bytes = Buffer.from('0a00'.repeat(250_000), 'hex');
    const message = fromBinary(UploadOneTimePreKeysRequestSchema, bytes);
    const before = process.cpuUsage();
    const refusal = refusalOf(KeyDirectoryService.method.uploadOneTimePreKeys, message);
    const { user } = process.cpuUsage(before);
    expect(refusal?.options.violations).toHaveLength(1);
    expect(user / 1000).toBeLessThan(50);
  });
});
