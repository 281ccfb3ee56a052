/** JSON Schema of messages and enums, as proto3 JSON and the transcoder's print options write them. */
import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import type { FieldRules } from '../../gen/buf/validate/validate_pb.ts';
import { boundsOf, itemRules, refusesAbsence, rulesOf } from './bounds.ts';
import { commentOf } from './comment.ts';
import type { JsonObject } from './json.ts';
import { compact } from './json.ts';

export const HTTP_BODY = 'google.api.HttpBody';
export const TIMESTAMP = 'google.protobuf.Timestamp';

const SCALARS: ReadonlyMap<ScalarType, JsonObject> = new Map<ScalarType, JsonObject>([
  [ScalarType.STRING, { type: 'string' }],
  [ScalarType.BYTES, { type: 'string', contentEncoding: 'base64' }],
  [ScalarType.BOOL, { type: 'boolean' }],
  [ScalarType.UINT32, { type: 'integer', minimum: 0, maximum: 4294967295 }],
  [ScalarType.INT32, { type: 'integer', minimum: -2147483648, maximum: 2147483647 }],
  [ScalarType.UINT64, { type: 'string', pattern: '^[0-9]{1,20}$' }],
  [ScalarType.INT64, { type: 'string', pattern: '^-?[0-9]{1,19}$' }],
]);

/** `request`: what is refused when absent is required. `response`: what is always printed is. */
export type Role = 'request' | 'response';

/** The name under which a message or enum stands in `components.schemas`. */
export function schemaName(desc: DescMessage | DescEnum): string {
  return desc.typeName.replace(/^whispr\./, '');
}

/** A reference to a message's or enum's schema. */
export function refTo(desc: DescMessage | DescEnum): JsonObject {
  return { $ref: `#/components/schemas/${schemaName(desc)}` };
}

/** The schema of a message. */
export function messageSchema(message: DescMessage, role: Role): JsonObject {
  const required = message.fields.filter((field) => isRequired(field, role));
  return compact({
    type: 'object',
    description: commentOf(message),
    properties: Object.fromEntries(
      message.fields.map((field) => [
        field.jsonName,
        { ...fieldSchema(field), description: commentOf(field) },
      ]),
    ),
    required: required.length > 0 ? required.map((field) => field.jsonName) : undefined,
  });
}

/** The schema of an enum: its names, each explained. */
export function enumSchema(desc: DescEnum): JsonObject {
  const meanings = desc.values.map((value) => `- \`${value.name}\`: ${commentOf(value)}`);
  return {
    type: 'string',
    description: `${commentOf(desc)}\n\n${meanings.join('\n')}`,
    enum: desc.values.map((value) => value.name),
  };
}

/** The schema of a field's value, without its description. */
export function fieldSchema(field: DescField): JsonObject {
  const rules = rulesOf(field);
  switch (field.fieldKind) {
    case 'list':
      return { type: 'array', items: itemSchema(field, itemRules(rules)), ...boundsOf(rules) };
    case 'map':
      return { type: 'object', additionalProperties: mapValueSchema(field) };
    case 'message':
      return messageValueSchema(field.message);
    case 'enum':
      return refTo(field.enum);
    case 'scalar':
      return { ...scalarSchema(field.scalar), ...boundsOf(rules) };
  }
}

/** The messages and enums that the fields of a message name. */
export function referencesOf(message: DescMessage): (DescMessage | DescEnum)[] {
  return message.fields.flatMap((field) => {
    const target = field.message ?? field.enum;
    const hasSchema = target !== undefined && ![HTTP_BODY, TIMESTAMP].includes(target.typeName);
    return hasSchema ? [target] : [];
  });
}

function isRequired(field: DescField, role: Role): boolean {
  const hasPresence = field.presence === FeatureSet_FieldPresence.EXPLICIT;
  if (role === 'response') return !hasPresence;
  const rules = rulesOf(field);
  return hasPresence ? rules?.required === true : refusesAbsence(rules);
}

function itemSchema(field: DescField, rules: FieldRules | undefined): JsonObject {
  if (field.fieldKind !== 'list') return {};
  switch (field.listKind) {
    case 'message':
      return messageValueSchema(field.message);
    case 'enum':
      return refTo(field.enum);
    case 'scalar':
      return { ...scalarSchema(field.scalar), ...boundsOf(rules) };
  }
}

function mapValueSchema(field: DescField): JsonObject {
  if (field.fieldKind !== 'map' || field.mapKind !== 'scalar') {
    throw new Error(`${field.parent.typeName}.${field.name}: only maps to scalars are known here`);
  }
  return scalarSchema(field.scalar);
}

function messageValueSchema(message: DescMessage): JsonObject {
  if (message.typeName === TIMESTAMP) return { type: 'string', format: 'date-time' };
  return refTo(message);
}

function scalarSchema(scalar: ScalarType): JsonObject {
  const schema = SCALARS.get(scalar);
  if (schema === undefined) throw new Error(`${ScalarType[scalar]} is not used in this API`);
  return schema;
}
