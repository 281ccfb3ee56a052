/** The protos as they are now, with their comments: the descriptors in gen/ have none. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import type { FileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

const root = dirname(dirname(import.meta.dirname));
const MAX_BYTES = 64 * 1024 * 1024;

/** @throws Error with buf's own words when the protos do not build */
export function buildRegistry(): FileRegistry {
  const buf = join(root, 'node_modules/.bin/buf');
  const args = ['build', '--as-file-descriptor-set', '-o', '-#format=binpb'];
  const built = spawnSync(buf, args, { cwd: root, maxBuffer: MAX_BYTES });
  if (built.error) throw built.error;
  if (built.status !== 0) throw new Error(`buf build: ${String(built.stderr)}`);
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, built.stdout));
}
