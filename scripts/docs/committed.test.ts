import { describe, expect, test } from '@jest/globals';
import { ErrorReason } from '../../gen/whispr/auth/v1/error_reason_pb.ts';
import { loadConfig } from '../../src/config.ts';
import { settings } from '../../src/config/table.ts';
import { limitPolicies } from '../../src/limits/policy.ts';
import { buildPages, isStale } from './pages.ts';

const pages = await buildPages();
const KEY = `a:${Buffer.alloc(32).toString('base64')}`;
const LEAST = {
  JWT_ISSUER: 'a',
  JWT_AUDIENCE: 'b',
  KEY_ENCRYPTION_KEYS: KEY,
  CODE_PEPPERS: KEY,
};
const textOf = (name: string) => pages.find(({ path }) => path.endsWith(name))?.text ?? '';

describe('the generated documentation', () => {
  test('is committed as its sources are now', () => {
    expect(pages.filter(isStale).map(({ path }) => path)).toEqual([]);
  });

  test('shows every variable once, with its meaning', () => {
    const text = textOf('configuration.md');
    const shown = [...text.matchAll(/^\| `([A-Z0-9_]+)`/gm)].map(([, name]) => name);

    expect(shown.sort()).toEqual(
      Object.values(settings)
        .map(({ name }) => name)
        .sort(),
    );
    expect(Object.values(settings).filter(({ meaning }) => !text.includes(meaning))).toEqual([]);
  });

  test('marks what is secret, and tells ranges and defaults', () => {
    const rows = textOf('configuration.md').split('\n');
    const rowOf = (name: string) =>
      rows.find((row) => row.startsWith(`| \`${name}\``))?.replace(/ +/g, ' ');

    expect(rowOf('DB_PASSWORD')).toContain('(secret)');
    expect(rowOf('DB_PORT')).toContain('a whole number from 1 to 65535 | `5432` | the same |');
    expect(rowOf('JWT_ISSUER')).toContain('**required**');
    expect(rowOf('TRUSTED_EDGE_CIDRS')).toContain('| `127.0.0.0/8,::1/128` | none |');
    expect(rowOf('JWT_ACCESS_TTL_SECONDS')).toContain('`600` = 10 min');
  });

  test('shows every limit with its setting, and chances that follow from them', () => {
    const text = textOf('limits.md');
    const names = Object.values(limitPolicies(loadConfig(LEAST))).map(({ name }) => name);
    const rowOf = (start: string) =>
      text
        .split('\n')
        .find((row) => row.startsWith(`| ${start}`))
        ?.replace(/ +/g, ' ');

    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
    expect(rowOf('`sends_per_address`')).toBe(
      '| `sends_per_address` | requested codes that were not entered | address (IPv6: /64) | 20 | 1 h | closed | `VERIFICATION_SENDS_PER_ADDRESS_HOUR` |',
    );
    expect(rowOf('phone codes of a number, a day')).toContain('| 15 | 1 in 66,700 |');
    expect(rowOf('authenticator code, ever')).toContain('| 100 | 1 in 5,000 |');
    expect(rowOf('backup code, a year')).toMatch(/1 in 2\^6\d/);
    expect(rowOf('QR number, one QR login')).toContain('| 1 | 1 in 100 (1.0 %) |');
  });

  test('shows every reason once, in the order of its number', () => {
    const shown = [...textOf('errors.md').matchAll(/^\| `([A-Z0-9_]+)`/gm)].map(([, name]) => name);

    expect(shown).toEqual(
      Object.entries(ErrorReason)
        .filter(([name]) => name !== 'UNSPECIFIED')
        .sort(([, left], [, right]) => left - right)
        .map(([name]) => name),
    );
  });
});
