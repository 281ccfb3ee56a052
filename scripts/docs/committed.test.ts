import { describe, expect, test } from '@jest/globals';
import { ErrorReason } from '../../gen/whispr/auth/v1/error_reason_pb.ts';
import { settings } from '../../src/config/table.ts';
import { buildPages, isStale } from './pages.ts';

const pages = await buildPages();
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
