import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DomainError } from './errors.ts';
import { pageLimit, positionAfter } from './paging.ts';
import { encodeCursor } from './platform/cursor.ts';

const id = '6f1f7a52-0000-4000-8000-000000000001';
const tokenOf = (...parts: string[]) => encodeCursor('sessions', parts);

function reasonOf(pageToken: string): string {
  try {
    positionAfter('sessions', pageToken);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    expect(error.options.violations?.map(({ field }) => field)).toEqual(['pageToken']);
    return error.reason;
  }
}

describe('a page', () => {
  test('has 20 entries unless it asks for another number', () => {
    expect(pageLimit({ pageSize: 0, pageToken: '' })).toBe(20);
    expect(pageLimit({ pageSize: 7, pageToken: '' })).toBe(7);
  });

  test('without a token is the first one', () => {
    expect(positionAfter('sessions', '')).toBeUndefined();
  });

  test('begins after the position that its token names', () => {
    expect(positionAfter('sessions', tokenOf('1767323045000000', id))).toEqual([
      '1767323045000000',
      id,
    ]);
  });

  test.each([
    ['of another list', encodeCursor('devices', ['1', id])],
    ['with a part missing', tokenOf('1')],
    ['with a part too many', tokenOf('1', id, '2')],
    ['with a negative position', tokenOf('-1', id)],
    ['with a position that is no number', tokenOf('1e9', id)],
    ['with a position beyond bigint', tokenOf('1'.repeat(19), id)],
    ['with SQL in it', tokenOf("1'; DROP TABLE sessions; --", id)],
    ['with an id that is no UUID', tokenOf('1', 'x')],
    ['with a UUID in capitals', tokenOf('1', id.toUpperCase())],
  ])('with a token %s is refused', (_name, pageToken) => {
    expect(reasonOf(pageToken)).toBe('PAGE_TOKEN_INVALID');
  });

  test('with any other text as token is refused, never anything else', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        expect(reasonOf(text)).toBe('PAGE_TOKEN_INVALID');
      }),
    );
  });
});
