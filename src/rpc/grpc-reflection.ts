import { toBinary } from '@bufbuild/protobuf';
import type { DescFile, DescService } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';

/**
 * Server reflection (v1 and v1alpha) for grpcurl and `buf curl`, from the generated descriptors.
 * Each file and each of its dependencies is passed by itself: from one descriptor set `buf curl`
 * finds nothing.
 */
export function registerReflection(server: Server, services: readonly DescService[]): void {
  const files = new Set<DescFile>();
  for (const { file } of services) collect(file, files);
  const fileDescriptorProtos = [...files].map(({ proto }) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, proto)),
  );
  const definition: ConstructorParameters<typeof ReflectionService>[0][string] = {
    format: 'Protocol Buffer 3 EnumDescriptorProto',
    type: {},
    fileDescriptorProtos,
  };
  const names = services.map(({ typeName }) => typeName);
  new ReflectionService({ all: definition }, { services: names }).addToServer(server);
}

function collect(file: DescFile, found: Set<DescFile>): void {
  if (found.has(file)) return;
  found.add(file);
  for (const dependency of file.dependencies) collect(dependency, found);
}
