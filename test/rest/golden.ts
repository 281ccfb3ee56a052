import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from '@jest/globals';
import { reasonOf } from './deployed-app.ts';
import type { Answer } from './request.ts';

const FOLDER = join(import.meta.dirname, '..', 'golden', 'rest');
/** What a client reads; the rest is the same in every answer and has tests of its own. */
const HEADERS = ['content-type', 'cache-control', 'retry-after', 'www-authenticate'];
/** Texts that change with every run, by their form … */
const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/^127\.\d+\.\d+\.0\/24$/, '<prefix>'],
  [/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/, '<token>'],
  [/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, '<uuid>'],
  [/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, '<time>'],
  [/^\d+(\.\d+)?s$/, '<duration>'],
  [/^[\w-]{43}$/, '<32 bytes>'],
  [/^[A-Z2-7]{32}$/, '<base32 secret>'],
  [/^otpauth:\/\/totp\/\S+$/, '<otpauth URI>'],
  [/^data:image\/png;base64,[A-Za-z0-9+/]+=*$/, '<PNG>'],
  [/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/, '<backup code>'],
  [/^whispr-link-1(\.[\w-]+){5}$/, '<QR text>'],
];
/** … or by the name of their field. */
const VOLATILE_FIELDS = new Set([
  'challengeId',
  'qrText',
  'qrCodeUrl',
  'confirmationNumber',
  'maskedPhoneNumber',
  'nextPageToken',
  'id',
]);

/**
 * Compares an answer with its golden file. `UPDATE_GOLDEN=true` writes the file instead; the change is
 * then reviewed like any other.
 */
export function expectGolden(name: string, answer: Answer): void {
  const found = {
    status: answer.status,
    headers: headersOf(answer),
    body: stable(answer.json ?? answer.text),
  };
  const file = join(FOLDER, `${name}.json`);
  if (process.env['UPDATE_GOLDEN'] === 'true') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`);
  }
  if (!existsSync(file)) throw new Error(`There is no ${file}: run with UPDATE_GOLDEN=true`);
  const wanted: unknown = JSON.parse(readFileSync(file, 'utf8'));
  expect(found).toEqual(wanted);
}

/** The answer has the reason, and looks as the golden file of that reason says. */
export function expectError(reason: string, answer: Answer): void {
  expect(reasonOf(answer)).toBe(reason);
  expectGolden(`error/${reason}`, answer);
}

function headersOf({ headers }: Answer): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of HEADERS) {
    const value = headers[name];
    // How long a limit lasts depends on the second at which it is asked for.
    if (value !== undefined) found[name] = name === 'retry-after' ? '<seconds>' : String(value);
  }
  return found;
}

function stable(value: unknown, field = ''): unknown {
  if (typeof value === 'string') {
    const form = VOLATILE.find(([pattern]) => pattern.test(value))?.[1];
    return form ?? (VOLATILE_FIELDS.has(field) && value !== '' ? `<${field}>` : value);
  }
  // Counted from an end that PostgreSQL set: a second may have passed since.
  if (typeof value === 'number' && field === 'refreshExpiresIn') return Math.round(value / 60) * 60;
  if (Array.isArray(value)) return value.map((item) => stable(item));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => [key, stable(item, key)]);
    return Object.fromEntries(entries);
  }
  return value;
}
