import { describe, expect, test } from '@jest/globals';
import { chanceOf, codeGuesses, factorGuesses, oneIn, percentOf } from './guessing.ts';

const CODE = { checksPerDay: 15, waitFrom: 10 };
const FACTOR = { missesPerLock: 5, lockSeconds: [900, 3_600, 86_400], refusingMisses: 100 };

describe('what is left to a guesser', () => {
  test('is fifteen codes on the first day and then ever fewer, down to one a day', () => {
    expect(codeGuesses(CODE, 1)).toBe(15);
    expect(codeGuesses(CODE, 2)).toBe(20);
    expect(codeGuesses(CODE, 365) - codeGuesses(CODE, 265)).toBe(100);
  });

  test('is fifteen codes a day where the owner signs in every day', () => {
    expect(codeGuesses(CODE, 365, true)).toBe(15 * 365);
  });

  test('waits from the tenth failure on whatever the daily cap', () => {
    const open = { ...CODE, checksPerDay: 1_000 };
    const waits = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].reduce((sum, wait) => sum + wait, 0);

    expect(codeGuesses(open, (waits * 60) / 86_400)).toBe(19);
    expect(codeGuesses(open, (waits * 60 + 1) / 86_400)).toBe(20);
  });

  test('is five codes of a second factor between locks, and none after a hundred', () => {
    expect(factorGuesses(FACTOR, 0.01)).toBe(5);
    expect(factorGuesses(FACTOR, 1)).toBe(15);
    expect(factorGuesses(FACTOR, 3)).toBe(25);
    expect(factorGuesses(FACTOR, 365)).toBe(100);
    expect(factorGuesses(FACTOR, 365, false)).toBe(15 + 5 * 364);
  });

  test('adds up as chances do', () => {
    expect(chanceOf(1, 0.01)).toBeCloseTo(0.01);
    expect(chanceOf(2, 0.5)).toBeCloseTo(0.75);
    expect(chanceOf(5, 2 ** -75)).toBeCloseTo(5 * 2 ** -75, 30);
  });

  test('is written so that it can be read', () => {
    expect(oneIn(15e-6)).toBe('1 in 66,700');
    expect(oneIn(0.01)).toBe('1 in 100');
    expect(oneIn(2 ** -75)).toBe('1 in 2^75');
    expect(percentOf(0.049)).toBe('4.9 %');
  });
});
