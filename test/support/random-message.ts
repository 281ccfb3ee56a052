import { randomBytes } from 'node:crypto';
import { create, ScalarType, toBinary } from '@bufbuild/protobuf';
import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import type { ReflectMessage } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import fc from 'fast-check';
import { ephemeralKey } from './link.ts';

const UUID = '6f2b1c1e-8f0a-4b68-9d9e-1f7d5a3b2c10';
const TEXTS = [
  '',
  ' ',
  UUID,
  UUID.toUpperCase(),
  '123456',
  '+33612345678',
  '+1',
  '0',
  '-1',
  'null',
  '[object]',
  "'; DROP TABLE users_auth; --",
  '\u0000',
  '\u202e',
  '../../etc/passwd',
  'é'.repeat(40),
  'a'.repeat(5_000),
  'eyJhbGciOiJub25lIn0.e30.',
  'e30.e30.e30',
  'cmV2b2NhdGlvbnMKOTk5OTk5OTk5OTk5OTk5OTk5OTk5CjEKMQ',
  '07',
  '3K7Q-9XWM-2FTB-64HC',
  'A'.repeat(22),
  `whispr-link-1.${'A'.repeat(22)}.${'A'.repeat(43)}.5.kid.${'A'.repeat(86)}`,
];
const POINT = ephemeralKey().publicKey;
const NUMBERS = [0, 1, -1, 2, 100, 101, 0x7fffffff, -0x80000000, 16_383];

/** Values that mean something to the service at the moment: ids, codes and the like. */
type Live = readonly string[];

/** What a field that holds no message may be given. */
type Source = (field: DescField) => fc.Arbitrary<unknown>;

/** Bytes for a request of `desc`: a random message, sometimes with its bytes bent or cut. */
export function requestBytes(desc: DescMessage, live: Live = []): fc.Arbitrary<Uint8Array> {
  const whole = requestMessages(desc, live).map((message) => toBinary(desc, message));
  const bent = fc
    .tuple(whole, fc.nat(), fc.nat(255))
    .map(([bytes, at, value]) =>
      bytes.map((byte, index) => (index === at % bytes.length ? value : byte)),
    );
  const cut = fc
    .tuple(whole, fc.nat())
    .map(([bytes, at]) => bytes.slice(0, at % (bytes.length + 1)));
  return fc.oneof({ arbitrary: whole, weight: 3 }, bent, cut, fc.uint8Array({ maxLength: 64 }));
}

/** Requests that break rules, and as many that keep every rule and mean something, or nothing. */
export function requestMessages(desc: DescMessage, live: Live): fc.Arbitrary<Message> {
  const wild: Source = (field) => scalar(field.scalar, live);
  const right: Source = (field) => {
    const values = candidates(field, live).filter((value) => isRight(field, value));
    return values.length === 0 ? wild(field) : fc.constantFrom(...values);
  };
  return fc.oneof(messages(desc, 0, wild), messages(desc, 0, right));
}

function messages(desc: DescMessage, depth: number, source: Source): fc.Arbitrary<Message> {
  const fields = desc.fields.map((field) =>
    fc.option(fieldValue(field, depth, source), { nil: undefined }),
  );
  return fc.tuple(...fields).map((values) => {
    const message = create(desc);
    const target = reflect(desc, message);
    for (const [index, field] of desc.fields.entries()) setField(target, field, values[index]);
    return message;
  });
}

const validator = createValidator();

/** Whether the rules of the field leave the value alone. */
function isRight(field: DescField, value: unknown): boolean {
  const message = create(field.parent);
  setField(reflect(field.parent, message), field, value);
  const { violations = [] } = validator.validate(field.parent, message);
  return violations.every(({ field: path }) => path[0] !== field);
}

function setField(target: ReflectMessage, field: DescField, value: unknown): void {
  if (value === undefined) return;
  if (field.fieldKind === 'list') {
    const list = target.get(field);
    for (const item of Array.isArray(value) ? value : [value]) list.add(wrapped(field, item));
  } else if (field.fieldKind !== 'map') {
    target.set(field, wrapped(field, value));
  }
}

function wrapped(field: DescField, value: unknown) {
  if (field.message === undefined || !isMessage(value)) return value;
  return reflect(field.message, value);
}

function fieldValue(field: DescField, depth: number, source: Source): fc.Arbitrary<unknown> {
  const value = single(field, depth, source);
  return field.fieldKind === 'list' ? fc.array(value, { maxLength: 3 }) : value;
}

function single(field: DescField, depth: number, source: Source): fc.Arbitrary<unknown> {
  if (field.message !== undefined) {
    return depth > 3 ? fc.constant(undefined) : messages(field.message, depth + 1, source);
  }
  if (field.enum !== undefined) return fc.constantFrom(0, 1, 2, 99);
  return source(field);
}

/** What could keep the rules of some field. */
function candidates({ scalar: type }: DescField, live: Live): readonly unknown[] {
  if (type === ScalarType.STRING) return [...TEXTS, ...live];
  if (type === ScalarType.BYTES)
    return [POINT, ...[0, 32, 33, 64].map((size) => randomBytes(size))];
  return [];
}

function scalar(type: ScalarType | undefined, live: Live): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ minLength: 32, maxLength: 33 }),
        fc.uint8Array({ minLength: 64, maxLength: 65 }),
        fc.constant(POINT),
      );
    case ScalarType.STRING:
      return fc.oneof(
        fc.constantFrom(...TEXTS),
        fc.constantFrom(...(live.length === 0 ? TEXTS : live)),
        fc.string({ maxLength: 80 }),
      );
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.constantFrom(...NUMBERS.map((value) => value >>> 0));
    case ScalarType.INT32:
    case ScalarType.SINT32:
      return fc.constantFrom(...NUMBERS);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return fc.double();
    default:
      return fc.bigInt({ min: 0n, max: 2n ** 62n });
  }
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && '$typeName' in value;
}
