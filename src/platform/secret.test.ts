import { format, inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Secret, equalsInConstantTime } from './secret.ts';

describe('a secret', () => {
  const secret = new Secret('swordfish');

  test.each([
    ['a template', () => `the secret is ${secret.toString()}`],
    ['String()', () => String(secret)],
    ['JSON', () => JSON.stringify({ secret })],
    ['util.inspect', () => inspect({ deep: { secret } }, { depth: 9, showHidden: true })],
    ['util.format', () => format('%s %o %j', secret, secret, secret)],
    ['its properties', () => JSON.stringify(Object.entries(secret))],
    ['a copy', () => inspect(Object.assign({}, secret))],
  ])('is not printed by %s', (_name, print) => {
    expect(print()).not.toContain('swordfish');
  });

  test('is revealed on demand', () => {
    expect(secret.reveal()).toBe('swordfish');
  });
});

test('comparing in constant time agrees with ===', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (left, right) => {
      expect(equalsInConstantTime(left, right)).toBe(left === right);
      expect(equalsInConstantTime(left, left)).toBe(true);
    }),
  );
});
