import { describe, expect, test } from '@jest/globals';
import { systemRandom } from './random.ts';

describe('randomness', () => {
  test('makes codes of exactly the digits asked for, leading zeros kept', () => {
    const codes = Array.from({ length: 2_000 }, () => systemRandom.code(2));

    expect(codes.every((code) => /^\d{2}$/.test(code))).toBe(true);
    expect(new Set(codes).size).toBe(100);
  });

  test('makes UUIDs of version 4, each once', () => {
    const ids = Array.from({ length: 100 }, () => systemRandom.uuid());

    expect(
      ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-/.test(id)),
    ).toBe(true);
    expect(new Set(ids).size).toBe(100);
  });
});
