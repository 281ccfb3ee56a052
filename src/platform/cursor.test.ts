import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeCursor, encodeCursor } from './cursor.ts';

describe('a cursor', () => {
  const line = fc.string().filter((part) => !part.includes('\n'));

  test('gives its parts back, and travels in a URL as it is', () => {
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), (parts) => {
        const cursor = encodeCursor('sessions', parts);
        expect(cursor).toMatch(/^[\w-]+$/);
        expect(decodeCursor('sessions', cursor, parts.length)).toEqual(parts);
      }),
    );
  });

  test('of another list, or with another number of parts, is none', () => {
    const cursor = encodeCursor('sessions', ['1', '2']);

    expect(decodeCursor('devices', cursor, 2)).toBeUndefined();
    expect(decodeCursor('sessions', cursor, 1)).toBeUndefined();
    expect(decodeCursor('sessions', cursor, 3)).toBeUndefined();
  });

  test('of any text is none, and nothing is thrown', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(decodeCursor('sessions', text, 2)).toBeUndefined();
      }),
    );
  });
});
