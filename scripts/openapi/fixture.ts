/** Compiles a proto of the tests together with the options that it imports. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import type { FileDescriptorSet } from '@bufbuild/protobuf/wkt';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { copyGoogle } from '../proto/copy-google.mjs';

const root = join(import.meta.dirname, '../..');
const IMPORTED = [
  ...['buf/validate/validate.proto', 'google/api/annotations.proto', 'google/api/http.proto'],
  ...['google/api/httpbody.proto', 'whispr/options/v1/access.proto'],
];

/** The descriptors of `source`, comments included, as buf hands them to a plugin. */
export function compile(source: string): FileDescriptorSet {
  // The Google protos are copied into proto/ by a run of gen; a fresh clone does not have them yet.
  copyGoogle(root);
  const dir = mkdtempSync(join(tmpdir(), 'whispr-openapi-'));
  try {
    for (const name of IMPORTED) cpSync(join(root, 'proto', name), join(dir, name));
    cpSync(join(import.meta.dirname, 'golden/whispr'), join(dir, 'whispr'), { recursive: true });
    mkdirSync(dirname(join(dir, 'example/v1/example_service.proto')), { recursive: true });
    writeFileSync(join(dir, 'example/v1/example_service.proto'), source);
    writeFileSync(join(dir, 'buf.yaml'), 'version: v2\n');
    const bytes = execFileSync(
      join(root, 'node_modules/.bin/buf'),
      ['build', '--as-file-descriptor-set', '-o', '-'],
      { cwd: dir, maxBuffer: 16 * 1024 * 1024 },
    );
    return fromBinary(FileDescriptorSetSchema, new Uint8Array(bytes));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
