import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createFileRegistry, fromBinary, getOption } from '@bufbuild/protobuf';
import type { DescField, DescMethod, DescService } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { HttpBodySchema } from '../gen/google/api/httpbody_pb.ts';
import { AccessLevel, access } from '../gen/whispr/options/v1/access_pb.ts';
import { routesOf } from '../scripts/openapi/route.ts';
import type { Route as RestRoute } from '../scripts/openapi/route.ts';
import { MESSAGE_LIMITS, maxRequestBytes } from '../src/rpc/limit.ts';

/** What the edge must know of a method; all of it comes from the protos. */
export interface EdgeMethod {
  /** `/package.Service/Method`, as native gRPC and the transcoder name it. */
  readonly path: string;
  /** Only other services may call it: never through the edge. */
  readonly isForServices: boolean;
  /** A stream of messages that stays open, unlike a document that is sent in pieces. */
  readonly isWatch: boolean;
  /** Largest request as JSON. */
  readonly maxRequestBytes: number;
  readonly rest: readonly RestRoute[];
  /** Fields that travel in the body and nowhere else. */
  readonly bodyFields: readonly DescField[];
}

/** The methods of the services that this service serves. */
export interface EdgeServices {
  readonly names: readonly string[];
  readonly methods: readonly EdgeMethod[];
}

/** Where the descriptor set is that the transcoder reads. */
export const DESCRIPTOR_FILE = fileURLToPath(
  new URL('../gen/envoy/descriptor.binpb', import.meta.url),
);

/** JSON is larger than its message: base64 takes 4/3, names and quotes the rest. */
const JSON_FACTOR = 1.5;

/** Largest JSON of a method without a limit of its own: 96 KiB. */
export const DEFAULT_REQUEST_BYTES = MESSAGE_LIMITS.defaultBytes * JSON_FACTOR;

/** Reads the descriptor set. Services of which every method is for services are ones that we call. */
export function readServices(file = DESCRIPTOR_FILE): EdgeServices {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(file)));
  const served: DescService[] = [];
  for (const type of registry) {
    if (type.kind === 'service' && type.methods.some((method) => isReachable(method))) {
      served.push(type);
    }
  }
  served.sort((left, right) => left.typeName.localeCompare(right.typeName));
  return {
    names: served.map(({ typeName }) => typeName),
    methods: served.flatMap(({ methods }) => methods.map((method) => toEdgeMethod(method))),
  };
}

function toEdgeMethod(method: DescMethod): EdgeMethod {
  const rest = routesOf(method);
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    isForServices: !isReachable(method),
    isWatch:
      method.methodKind === 'server_streaming' &&
      method.output.typeName !== HttpBodySchema.typeName,
    maxRequestBytes: maxRequestBytes(MESSAGE_LIMITS, method) * JSON_FACTOR,
    rest,
    bodyFields: rest.some(({ body }) => body === 'message') ? method.input.fields : [],
  };
}

/** Default deny, as in the service: a method without a level is for nobody. */
function isReachable(method: DescMethod): boolean {
  const level = getOption(method, access);
  return (
    level === AccessLevel.PUBLIC ||
    level === AccessLevel.USER ||
    level === AccessLevel.OPTIONAL_USER
  );
}
