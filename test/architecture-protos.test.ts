import { describe, expect, test } from '@jest/globals';
import { create, createFileRegistry, setExtension } from '@bufbuild/protobuf';
import {
  FileDescriptorProtoSchema,
  MethodOptionsSchema,
  MethodOptions_IdempotencyLevel,
} from '@bufbuild/protobuf/wkt';
import { http } from '../gen/google/api/annotations_pb.ts';
import { HttpRuleSchema } from '../gen/google/api/http_pb.ts';
import { AccessLevel, access } from '../gen/whispr/options/v1/access_pb.ts';
import { fileProblems, methodProblems } from './architecture/proto.ts';
import type { ServiceFile } from './architecture/proto.ts';

interface Method {
  readonly level?: AccessLevel;
  readonly path?: { case: 'get' | 'post'; value: string };
  readonly isRead?: boolean;
  readonly comment?: string;
}

/** A service `A` with one method `B`, as `buf build` would describe it. */
function serviceWith(method: Method): ServiceFile {
  const options = create(MethodOptionsSchema, {
    idempotencyLevel: method.isRead
      ? MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS
      : MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN,
  });
  if (method.level !== undefined) setExtension(options, access, method.level);
  if (method.path) setExtension(options, http, create(HttpRuleSchema, { pattern: method.path }));
  const file = create(FileDescriptorProtoSchema, {
    name: 'a.proto',
    syntax: 'proto3',
    messageType: [{ name: 'M' }],
    service: [{ name: 'A', method: [{ name: 'B', inputType: '.M', outputType: '.M', options }] }],
    sourceCodeInfo: {
      location: [{ path: [6, 0, 2, 0], span: [1, 1, 1], leadingComments: method.comment ?? '' }],
    },
  });
  const service = createFileRegistry(file, () => undefined).getService('A');
  if (!service) throw new Error('The trial service was not built');
  return { service, path: 'proto/a_service.proto', text: 'one line\n' };
}

const post = { case: 'post', value: '/a' } as const;
const fine = { level: AccessLevel.USER, path: post, comment: ' Does it.\n' };

describe('the rules about methods', () => {
  test('leave a method alone that says everything', () => {
    expect(methodProblems(serviceWith(fine))).toEqual([]);
    expect(
      methodProblems(serviceWith({ level: AccessLevel.SERVICE, comment: ' Does it.\n' })),
    ).toEqual([]);
  });

  test('find a method without a comment', () => {
    expect(methodProblems(serviceWith({ ...fine, comment: '' }))).toEqual(['A.B has no comment']);
  });

  test('find a method that nobody may call', () => {
    const { path, comment } = fine;

    expect(methodProblems(serviceWith({ path, comment }))).toEqual(['A.B has no access option']);
  });

  test.each([AccessLevel.PUBLIC, AccessLevel.USER, AccessLevel.OPTIONAL_USER])(
    'find a method of access level %s that the edge cannot reach',
    (level) => {
      expect(methodProblems(serviceWith({ level, comment: ' Does it.\n' }))).toEqual([
        'A.B is for callers of the edge and has no http rule',
      ]);
    },
  );

  test('find a method for services that the edge can reach', () => {
    expect(methodProblems(serviceWith({ ...fine, level: AccessLevel.SERVICE }))).toEqual([
      'A.B is for services and has an http rule',
    ]);
  });

  test('find a GET that does not say that it changes nothing', () => {
    const path = { case: 'get', value: '/a' } as const;

    expect(methodProblems(serviceWith({ ...fine, path, isRead: true }))).toEqual([]);
    expect(methodProblems(serviceWith({ ...fine, path }))).toEqual([
      'A.B is a GET that does not declare NO_SIDE_EFFECTS',
    ]);
  });
});

describe('the rules about proto files', () => {
  test('find a service file that is too long or misnamed', () => {
    const { service } = serviceWith(fine);

    expect(
      fileProblems({ service, path: 'proto/a_service.proto', text: '\n'.repeat(700) }),
    ).toEqual([]);
    expect(fileProblems({ service, path: 'proto/a.proto', text: '\n'.repeat(701) })).toEqual([
      'proto/a.proto is not named …_service.proto',
      'proto/a.proto has 701 lines',
    ]);
  });
});
