/** Example values for requests and answers, made from rules, types and names. */
import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import type { FieldRules } from '../../gen/buf/validate/validate_pb.ts';
import { exampleByteLength, exampleOf, itemRules, rulesOf } from './bounds.ts';
import type { Json, JsonObject } from './json.ts';
import { TIMESTAMP } from './schema.ts';

const UUID = '3f2b8c1e-6d4a-4e7b-9a51-0c8d2f7e4b96';
const TOKEN = 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl';

/** Strings whose name says what they look like. The first match counts. */
const BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/^(challengeId|challenge)$/, 'q1c0V4n8Zk2y7Jr5TtXw9bLm3HsPfGdA'],
  [/^(kid|keyId)$/, '2026-01'],
  [/(^id|Id|^cursor)$/, UUID],
  [/^(accessToken|refreshToken|wsToken)$/, TOKEN],
  [/^tokenType$/, 'Bearer'],
  [/PageToken$|^pageToken$/, ''],
  [/^ipPrefix$/, '203.0.113.0/24'],
  [/^maskedPhoneNumber$/, '+33…78'],
  [/^status$/, 'ready'],
  [/^(platform|deviceType)$/, 'android'],
  [/^(name|deviceName)$/, "Ana's phone"],
  [/^qrCodeUrl$/, 'data:image/png;base64,iVBORw0KGgo='],
  [
    /^otpauthUri$/,
    'otpauth://totp/Whispr?secret=JBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30',
  ],
  [/^secret$/, 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'],
  [/^backupCodes$/, '3K7Q-9XWM-2FTB-64HC'],
  [/^kty$/, 'EC'],
  [/^crv$/, 'P-256'],
  [/^use$/, 'sig'],
  [/^alg$/, 'ES256'],
  [/^[xy]$/, 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU'],
];

/** KEM keys are shortened: 1569 bytes would hide everything else. */
const BYTES_BY_NAME: readonly (readonly [RegExp, number])[] = [
  [/^signature$/, 64],
  [/^(identityKey|identity_key|publicKey|public_key)$/, 33],
];

const NUMBERS: readonly (readonly [RegExp, number])[] = [
  [/^refreshExpiresIn$/, 2592000],
  [/^resendAfter$|^qrExpiresIn$/, 30],
  [/^expiresIn$/, 600],
  [/^pageSize$/, 20],
  [/Count$|^remaining$|vailable$|Remaining$/, 9],
];

const TRUE_BY_NAME = /^(verified|valid|active|isCurrent|is_current|isActive)$/;

/** An example of a message. A request leaves out what would be an empty string. */
export function exampleMessage(message: DescMessage, isRequest: boolean): JsonObject {
  const result: JsonObject = {};
  for (const field of message.fields) {
    if (isRequest && isSpecialCase(field)) continue;
    const value = exampleField(field, isRequest);
    if (isRequest && value === '') continue;
    result[field.jsonName] = value;
  }
  return result;
}

/** An example of a field's value. */
export function exampleField(field: DescField, isRequest: boolean): Json {
  const rules = rulesOf(field);
  switch (field.fieldKind) {
    case 'list':
      return [exampleItem(field, itemRules(rules), isRequest)];
    case 'map':
      return { [field.name === 'stores' ? 'postgres' : 'key']: 'up' };
    case 'message':
      return exampleOfMessage(field.message, isRequest);
    case 'enum':
      return firstName(field.enum);
    case 'scalar':
      return exampleScalar(field, field.scalar, rules);
  }
}

/** Optional strings and bytes are for the case that their comment names, not for the ordinary request. */
function isSpecialCase(field: DescField): boolean {
  const isText = field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES;
  const hasPresence = field.presence === FeatureSet_FieldPresence.EXPLICIT;
  return isText && hasPresence && exampleOf(rulesOf(field)) === undefined;
}

function exampleItem(field: DescField, rules: FieldRules | undefined, isRequest: boolean): Json {
  if (field.fieldKind !== 'list') return null;
  switch (field.listKind) {
    case 'message':
      return exampleOfMessage(field.message, isRequest);
    case 'enum':
      return firstName(field.enum);
    case 'scalar':
      return exampleScalar(field, field.scalar, rules);
  }
}

function exampleOfMessage(message: DescMessage, isRequest: boolean): Json {
  if (message.typeName === TIMESTAMP) return '2026-01-31T12:00:00Z';
  return exampleMessage(message, isRequest);
}

function firstName(desc: DescEnum): string {
  return (desc.values[1] ?? desc.values[0])?.name ?? '';
}

function exampleScalar(field: DescField, scalar: ScalarType, rules: FieldRules | undefined): Json {
  const given = exampleOf(rules);
  if (given !== undefined) return given;
  const name = field.jsonName;
  if (scalar === ScalarType.STRING) return exampleString(name, rules);
  if (scalar === ScalarType.BOOL) return TRUE_BY_NAME.test(name);
  if (scalar === ScalarType.UINT64 || scalar === ScalarType.INT64) return '1024';
  if (scalar === ScalarType.BYTES) {
    const length = BYTES_BY_NAME.find(([pattern]) => pattern.test(name))?.[1];
    return Buffer.alloc(length ?? exampleByteLength(rules), 5).toString('base64');
  }
  return NUMBERS.find(([pattern]) => pattern.test(name))?.[1] ?? 1;
}

function exampleString(name: string, rules: FieldRules | undefined): string {
  if (rules?.type.case === 'string' && rules.type.value.wellKnown.case === 'uuid') return UUID;
  return BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? '';
}
