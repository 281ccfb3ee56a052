import { describe, expect, test } from '@jest/globals';
import { Rotation } from './rotation.ts';

function orders(weights: Readonly<Record<string, number>>, count: number): string[] {
  const rotation = new Rotation(
    Object.entries(weights).map(([item, weight]) => ({ item, weight })),
  );
  return Array.from({ length: count }, () => rotation.next().join(' '));
}

describe('the order of providers', () => {
  test('is that of the list when none has a weight', () => {
    expect(orders({ a: 0, b: 0, c: 0 }, 3)).toEqual(['a b c', 'a b c', 'a b c']);
  });

  test('shares the first place by weight, evenly mixed', () => {
    expect(orders({ a: 3, b: 1 }, 8)).toEqual([
      'a b',
      'a b',
      'b a',
      'a b',
      'a b',
      'a b',
      'b a',
      'a b',
    ]);
  });

  test('takes turns among equals, the first of the list first', () => {
    expect(orders({ a: 1, b: 1 }, 4)).toEqual(['a b', 'b a', 'a b', 'b a']);
  });

  test('keeps those without a weight as reserve', () => {
    expect(orders({ reserve: 0, a: 1, b: 2 }, 3)).toEqual([
      'b a reserve',
      'a b reserve',
      'b a reserve',
    ]);
  });

  test('is empty when there is nobody to ask', () => {
    expect(orders({}, 1)).toEqual(['']);
  });
});
