/** One OpenAPI operation per route. */
import type { DescField, DescMessage, DescMethod, FileRegistry } from '@bufbuild/protobuf';
import { getOption } from '@bufbuild/protobuf';
import { access } from '../../gen/whispr/options/v1/access_pb.ts';
import { AccessLevel } from '../../gen/whispr/options/v1/access_pb.ts';
import type { MethodComment } from './comment.ts';
import { commentOf, methodComment } from './comment.ts';
import type { Reasons } from './error.ts';
import { errorResponses } from './error.ts';
import { exampleField, exampleMessage } from './example.ts';
import type { JsonObject } from './json.ts';
import { compact } from './json.ts';
import type { Route } from './route.ts';
import { fieldSchema, HTTP_BODY, refTo } from './schema.ts';

export type Context = {
  readonly registry: FileRegistry;
  readonly reasons: Reasons;
  /** Told of every message that a schema must be made of. */
  readonly use: (message: DescMessage, role: 'request' | 'response') => void;
};

/** The operation of one route of a method; `index` is 0 for the main one. */
export function operationOf(
  context: Context,
  method: DescMethod,
  { route, index }: { route: Route; index: number },
): JsonObject {
  const comment = methodComment(method);
  const level = getOption(method, access);
  const parameters = [
    ...route.pathFields.map((field) => parameter(field, 'path')),
    ...route.queryFields.map((field) => parameter(field, 'query')),
  ];
  return compact({
    operationId: index === 0 ? method.name : `${method.name}_${index + 1}`,
    tags: [method.parent.name],
    summary: comment.summary,
    description: comment.description,
    'x-grpc-method': `${method.parent.typeName}/${method.name}`,
    security: securityOf(method, level),
    parameters: parameters.length > 0 ? parameters : undefined,
    requestBody: requestBody(context, method, route),
    responses: {
      '200': successResponse(context, method, comment),
      ...errorResponses(context.reasons, comment.errors, level),
    },
  });
}

function securityOf(method: DescMethod, level: AccessLevel): JsonObject[] {
  if (level === AccessLevel.PUBLIC) return [];
  if (level === AccessLevel.USER) return [{ bearer: [] }];
  if (level === AccessLevel.OPTIONAL_USER) return [{}, { bearer: [] }];
  throw new Error(`${method.name}: has a REST route but is not for users or everybody`);
}

function parameter(field: DescField, place: 'path' | 'query'): JsonObject {
  if (field.fieldKind === 'message' || field.fieldKind === 'map') {
    throw new Error(
      `${field.parent.typeName}.${field.name}: a message cannot travel in a ${place}`,
    );
  }
  const example = exampleField(field, true);
  return compact({
    name: field.jsonName,
    in: place,
    required: place === 'path' ? true : undefined,
    description: commentOf(field),
    schema: fieldSchema(field),
    example: example === '' ? undefined : example,
  });
}

function requestBody({ use }: Context, method: DescMethod, route: Route): JsonObject | undefined {
  if (route.body === undefined) return undefined;
  const message = route.body === 'message' ? method.input : route.body.message;
  if (message === undefined) throw new Error(`${method.name}: the body must be a message`);
  if (message.typeName === HTTP_BODY) {
    return {
      required: true,
      content: { '*/*': { schema: {} } },
      description: 'Bytes as they are.',
    };
  }
  use(message, 'request');
  const example = exampleMessage(message, true);
  return {
    required: message.fields.length > 0,
    description: commentOf(message),
    content: { 'application/json': { schema: refTo(message), example } },
  };
}

function successResponse(context: Context, method: DescMethod, comment: MethodComment): JsonObject {
  const { output } = method;
  if (output.typeName === HTTP_BODY) return rawResponse(context, method, comment);
  context.use(output, 'response');
  const description = commentOf(output);
  const schema = refTo(output);
  if (method.methodKind === 'server_streaming') {
    return {
      description: `${description} As Server-Sent Events, one per \`data:\` line.`,
      content: { 'text/event-stream': { schema } },
    };
  }
  const example = exampleMessage(output, false);
  return { description, content: { 'application/json': { schema, example } } };
}

/** A body whose form only the comment's `Body:` line tells. */
function rawResponse(
  { registry, use }: Context,
  method: DescMethod,
  { body }: MethodComment,
): JsonObject {
  const [type, name] = (body ?? '').split(' ');
  if (type === undefined || type === '') throw new Error(`${method.name}: needs a "Body:" line`);
  if (name === undefined) {
    return { description: `The bytes, as ${type}.`, content: { [type]: { schema: {} } } };
  }
  const isArray = name.endsWith('[]');
  const pkg = method.parent.file.proto.package;
  const message = registry.getMessage(`${pkg}.${name.replace('[]', '')}`);
  if (message === undefined) throw new Error(`${method.name}: no message ${name} in ${pkg}`);
  use(message, 'response');
  const example = exampleMessage(message, false);
  return {
    description: commentOf(message),
    content: {
      [type]: isArray
        ? { schema: { type: 'array', items: refTo(message) }, example: [example] }
        : { schema: refTo(message), example },
    },
  };
}
