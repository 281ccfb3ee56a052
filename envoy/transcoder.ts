import { readFileSync } from 'node:fs';
import type { DescField } from '@bufbuild/protobuf';
import type { EdgeMethod, EdgeServices } from './method.ts';
import type { Tree } from './template.ts';

const TYPE =
  'type.googleapis.com/envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder';

/** Where the transcoder finds the descriptor set: in a file next to Envoy, or in the configuration. */
export type Descriptor = { readonly file: string } | { readonly inline: string };

/** The JSON side of every annotated method. `ignored` are query parameters that must not be read. */
export function transcoder(
  services: EdgeServices,
  descriptor: Descriptor,
  ignored: readonly string[],
): { [name: string]: Tree } {
  return {
    '@type': TYPE,
    ...descriptorField(descriptor),
    services: [...services.names],
    convert_grpc_status: true,
    print_options: {
      // A client reads false, 0 and [] instead of guessing them.
      always_print_primitive_fields: true,
      // What a browser's EventSource reads.
      stream_sse_style_delimited: true,
    },
    ignored_query_parameters: [...ignored],
    ignore_unknown_query_parameters: true,
    // An unknown path or verb is 404 here, not an empty 415 from the gRPC server.
    request_validation_options: { reject_unknown_method: true },
  };
}

/**
 * Names, in both spellings, that the query does not set. Path variables: the transcoder lets the query
 * overwrite the path, so that `GET /device/A?device_id=B` would act on B. Fields of bodies: among them
 * are all the secrets, and what works in a URL ends up in logs.
 */
export function namesNotInQuery(services: EdgeServices): string[] {
  const fields = services.methods.flatMap(({ rest, bodyFields }) => [
    ...rest.flatMap((route) => route.pathFields),
    ...bodyFields,
  ]);
  return [...new Set(fields.flatMap(spellings))].sort();
}

/** Names that stand in a path or body of other methods and are a query parameter of this one. */
export function queryNamesAmong(names: readonly string[], { rest }: EdgeMethod): string[] {
  const own = rest.flatMap((route) => route.queryFields).flatMap(spellings);
  return names.filter((name) => own.includes(name));
}

function spellings({ name, jsonName }: DescField): string[] {
  return [name, jsonName];
}

function descriptorField(descriptor: Descriptor): { [name: string]: Tree } {
  return 'file' in descriptor
    ? { proto_descriptor: descriptor.file }
    : { proto_descriptor_bin: readFileSync(descriptor.inline).toString('base64') };
}
