/**
 * OpenAPI 3.1 from the protos: paths from google.api.http, bounds from buf.validate, security from the
 * access option, errors from the `Errors:` lines of the comments. What cannot be expressed, or what the
 * transcoder would get wrong, ends the generation with a sentence.
 */
import { create, createFileRegistry } from '@bufbuild/protobuf';
import type { CodeGeneratorRequest, CodeGeneratorResponse } from '@bufbuild/protobuf/wkt';
import {
  CodeGeneratorResponse_Feature,
  CodeGeneratorResponse_FileSchema,
  CodeGeneratorResponseSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import type { Plugin } from '@bufbuild/protoplugin';
import { buildDocument } from './document.ts';

export const openapiPlugin: Plugin = { name: 'whispr-openapi', version: '1', run };

function run(request: CodeGeneratorRequest): CodeGeneratorResponse {
  const set = create(FileDescriptorSetSchema, { file: request.protoFile });
  const document = buildDocument(createFileRegistry(set));
  return create(CodeGeneratorResponseSchema, {
    supportedFeatures: BigInt(CodeGeneratorResponse_Feature.PROTO3_OPTIONAL),
    file: [
      create(CodeGeneratorResponse_FileSchema, {
        name: 'openapi/whispr.openapi.json',
        content: `${JSON.stringify(document, null, 1)}\n`,
      }),
    ],
  });
}
