/** Translates buf.validate's rules into JSON Schema's keywords. */
import type { DescField } from '@bufbuild/protobuf';
import { getOption, hasOption, isFieldSet } from '@bufbuild/protobuf';
import type {
  BytesRules,
  FieldRules,
  RepeatedRules,
  StringRules,
} from '../../gen/buf/validate/validate_pb.ts';
import {
  BytesRulesSchema,
  field as fieldRules,
  RepeatedRulesSchema,
  StringRulesSchema,
} from '../../gen/buf/validate/validate_pb.ts';
import type { Json, JsonObject } from './json.ts';
import { compact } from './json.ts';

/** The rules of a field, if it has any. */
export function rulesOf(field: DescField): FieldRules | undefined {
  return hasOption(field, fieldRules) ? getOption(field, fieldRules) : undefined;
}

/** The keywords that say what the rules of one value say. */
export function boundsOf(rules: FieldRules | undefined): JsonObject {
  const type = rules?.type;
  if (type?.case === 'string') return stringBounds(type.value);
  if (type?.case === 'bytes') return bytesBounds(type.value);
  if (type?.case === 'repeated') return listBounds(type.value);
  if (type?.case === 'int32' || type?.case === 'uint32') return rangeBounds(type.value);
  return {};
}

/** The rules of a list's items. */
export function itemRules(rules: FieldRules | undefined): FieldRules | undefined {
  return rules?.type.case === 'repeated' ? rules.type.value.items : undefined;
}

/** An example that the rules bring along. */
export function exampleOf(rules: FieldRules | undefined): Json | undefined {
  const type = rules?.type;
  if (type?.case === 'string') return type.value.example[0] ?? type.value.in[0];
  if (type?.case === 'int32' || type?.case === 'uint32') return type.value.example[0];
  if (type?.case === 'uint64') return type.value.example[0]?.toString();
  return undefined;
}

/** The length of the bytes that an example should have, where the rules say something about it. */
export function exampleByteLength(rules: FieldRules | undefined): number {
  if (rules?.type.case !== 'bytes') return 32;
  const { len, maxLen } = rules.type.value;
  if (len > 0n) return Number(len);
  return Math.min(Number(maxLen), 33);
}

/** Whether a request without the field, or with its zero value, is refused. */
export function refusesAbsence(rules: FieldRules | undefined): boolean {
  if (rules === undefined) return false;
  const { required, type } = rules;
  if (required) return true;
  if (type.case === 'string') return refusesEmptyString(type.value);
  if (type.case === 'bytes') return type.value.len > 0n || type.value.minLen > 0n;
  return type.case === 'repeated' && type.value.minItems > 0n;
}

function refusesEmptyString(rules: StringRules): boolean {
  if (rules.minLen > 0n || rules.len > 0n || rules.in.length > 0) return true;
  if (rules.wellKnown.case === 'uuid') return true;
  return rules.pattern !== '' && !new RegExp(rules.pattern).test('');
}

function stringBounds(rules: StringRules): JsonObject {
  const isSet = (name: 'len' | 'minLen' | 'maxLen' | 'pattern') =>
    isFieldSet(rules, StringRulesSchema.field[name]);
  const exact = isSet('len') ? Number(rules.len) : undefined;
  return compact({
    format: rules.wellKnown.case === 'uuid' ? 'uuid' : undefined,
    minLength: exact ?? (isSet('minLen') ? Number(rules.minLen) : undefined),
    maxLength: exact ?? (isSet('maxLen') ? Number(rules.maxLen) : undefined),
    pattern: isSet('pattern') ? rules.pattern : undefined,
    enum: rules.in.length > 0 ? [...rules.in] : undefined,
  });
}

/** JSON carries bytes as padded base64, so the bounds count its characters. */
function bytesBounds(rules: BytesRules): JsonObject {
  const isSet = (name: 'len' | 'minLen' | 'maxLen') =>
    isFieldSet(rules, BytesRulesSchema.field[name]);
  const exact = isSet('len') ? base64Length(rules.len) : undefined;
  return compact({
    minLength: exact ?? (isSet('minLen') ? base64Length(rules.minLen) : undefined),
    maxLength: exact ?? (isSet('maxLen') ? base64Length(rules.maxLen) : undefined),
  });
}

function base64Length(bytes: bigint): number {
  return Math.ceil(Number(bytes) / 3) * 4;
}

function listBounds(rules: RepeatedRules): JsonObject {
  const isSet = (name: 'minItems' | 'maxItems') =>
    isFieldSet(rules, RepeatedRulesSchema.field[name]);
  return compact({
    minItems: isSet('minItems') ? Number(rules.minItems) : undefined,
    maxItems: isSet('maxItems') ? Number(rules.maxItems) : undefined,
    uniqueItems: rules.unique ? true : undefined,
  });
}

type Range = {
  lessThan: { case: 'lt' | 'lte'; value: number } | { case: undefined; value?: undefined };
  greaterThan: { case: 'gt' | 'gte'; value: number } | { case: undefined; value?: undefined };
};

function rangeBounds({ lessThan, greaterThan }: Range): JsonObject {
  return compact({
    maximum: lessThan.case === 'lte' ? lessThan.value : undefined,
    exclusiveMaximum: lessThan.case === 'lt' ? lessThan.value : undefined,
    minimum: greaterThan.case === 'gte' ? greaterThan.value : undefined,
    exclusiveMinimum: greaterThan.case === 'gt' ? greaterThan.value : undefined,
  });
}
