import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { create } from '@bufbuild/protobuf';
import { CodeGeneratorRequestSchema } from '@bufbuild/protobuf/wkt';
import { compile } from './fixture.ts';
import { openapiPlugin } from './generate.ts';

const golden = join(import.meta.dirname, 'golden');
const expectedFile = join(golden, 'example.openapi.json');
const source = readFileSync(join(golden, 'example/v1/example_service.proto'), 'utf8');

describe('the OpenAPI plugin', () => {
  test('writes the golden document for the example service', () => {
    const written = generate(source);

    // UPDATE_GOLDEN=1 writes what the plugin makes now; read the difference before committing it.
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(expectedFile, written);
    expect(JSON.parse(written)).toEqual(JSON.parse(readFileSync(expectedFile, 'utf8')));
  });

  test('refuses a whole-message body beside a path variable', () => {
    expect(() => generate(source.replaceAll('body: "changes"', 'body: "*"'))).toThrow(
      'ChangeThing: a body of "*" beside a path variable',
    );
  });

  test('refuses an error line with a status that the reason does not have', () => {
    const wrong = source.replace('ALREADY_EXISTS ACCOUNT_EXISTS', 'NOT_FOUND ACCOUNT_EXISTS');

    expect(() => generate(wrong)).toThrow(
      'NOT_FOUND ACCOUNT_EXISTS: not a reason with this status',
    );
  });

  test('refuses an error line that cannot be read', () => {
    const wrong = source.replace('ACCOUNT_EXISTS: the name is taken.', 'the name is taken');

    expect(() => generate(wrong)).toThrow('is not "STATUS REASON: when"');
  });

  test('refuses a REST route on a method for services', () => {
    const wrong = source.replace('ACCESS_LEVEL_PUBLIC', 'ACCESS_LEVEL_SERVICE');

    expect(() => generate(wrong)).toThrow('ListThings: has a REST route but is not for users');
  });

  test('refuses a raw body whose form no comment tells', () => {
    const wrong = source.replace('  // Body: application/json Thing[]\n', '');

    expect(() => generate(wrong)).toThrow('ListThings: needs a "Body:" line');
  });

  test('refuses two methods on one route', () => {
    const wrong = source.replace('get: "/things/watch"', 'get: "/things"');

    expect(() => generate(wrong)).toThrow('get /things belongs to another method');
  });
});

function generate(proto: string): string {
  const request = create(CodeGeneratorRequestSchema, { protoFile: compile(proto).file });
  return openapiPlugin.run(request).file[0]?.content ?? '';
}
