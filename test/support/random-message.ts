import { create, ScalarType, toBinary } from '@bufbuild/protobuf';
import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import type { ReflectMessage } from '@bufbuild/protobuf/reflect';
import fc from 'fast-check';

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
];
const NUMBERS = [0, 1, -1, 2, 100, 101, 0x7fffffff, -0x80000000, 16_383];

/** Bytes for a request of `desc`: a random message, sometimes with its bytes bent or cut. */
export function requestBytes(desc: DescMessage): fc.Arbitrary<Uint8Array> {
  const whole = messages(desc, 0).map((message) => toBinary(desc, message));
  const bent = fc
    .tuple(whole, fc.nat(), fc.nat(255))
    .map(([bytes, at, value]) =>
      bytes.map((byte, index) => (index === at % bytes.length ? value : byte)),
    );
  const cut = fc
    .tuple(whole, fc.nat())
    .map(([bytes, at]) => bytes.slice(0, at % (bytes.length + 1)));
  return fc.oneof(whole, bent, cut, fc.uint8Array({ maxLength: 64 }));
}

/** Messages whose fields hold what a hostile client would put there. */
export function messages(desc: DescMessage, depth: number): fc.Arbitrary<Message> {
  const fields = desc.fields.map((field) =>
    fc.option(fieldValue(field, depth), { nil: undefined }),
  );
  return fc.tuple(...fields).map((values) => {
    const message = create(desc);
    const target = reflect(desc, message);
    for (const [index, field] of desc.fields.entries()) setField(target, field, values[index]);
    return message;
  });
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

function fieldValue(field: DescField, depth: number): fc.Arbitrary<unknown> {
  if (field.fieldKind === 'list') return fc.array(single(field, depth), { maxLength: 3 });
  return single(field, depth);
}

function single(field: DescField, depth: number): fc.Arbitrary<unknown> {
  if (field.message !== undefined) {
    return depth > 3 ? fc.constant(undefined) : messages(field.message, depth + 1);
  }
  if (field.enum !== undefined) return fc.constantFrom(0, 1, 2, 99);
  return scalar(field.scalar);
}

function scalar(type: ScalarType | undefined): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ minLength: 32, maxLength: 33 }),
      );
    case ScalarType.STRING:
      return fc.oneof(fc.constantFrom(...TEXTS), fc.string({ maxLength: 80 }));
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
