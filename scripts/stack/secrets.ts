import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folders } from './folders.ts';

const NAMES = [
  'superuserPassword',
  'ownerPassword',
  'appPassword',
  'redisPassword',
  'keyEncryptionKey',
  'codePepper',
] as const;

/** The local stack's generated passwords and keys, each 256 random bits in base64url or base64. */
export type Secrets = Readonly<Record<(typeof NAMES)[number], string>>;

/** They live with the data that they open: removing `.local/data` removes both. */
const file = join(folders.data, 'secrets.json');

/** True when data of an earlier run can be opened. */
export function hasSecrets(): boolean {
  return existsSync(file);
}

/** Reads the secrets; generates them once. */
export function loadSecrets(): Secrets {
  if (!hasSecrets()) {
    const generated = Object.fromEntries(NAMES.map((name) => [name, generate(name)]));
    writeFileSync(file, `${JSON.stringify(generated, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  }
  const found: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isSecrets(found)) {
    throw new Error(`${file} is incomplete. Remove .local/data to start with an empty stack.`);
  }
  return found;
}

function generate(name: (typeof NAMES)[number]): string {
  // KEY_ENCRYPTION_KEYS and CODE_PEPPERS want base64, passwords stand in URLs and configuration files.
  const isKey = name === 'keyEncryptionKey' || name === 'codePepper';
  return randomBytes(32).toString(isKey ? 'base64' : 'base64url');
}

function isSecrets(value: unknown): value is Secrets {
  return (
    typeof value === 'object' &&
    value !== null &&
    NAMES.every((name) => name in value && typeof Reflect.get(value, name) === 'string')
  );
}
