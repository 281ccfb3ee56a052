import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { systemRandom } from '../platform/random.ts';
import { CODE_COUNT, newBackupCodes, readBackupCode, shownBackupCode } from './backup-code.ts';

describe('a set of backup codes', () => {
  test('has ten of 16 characters, each naming its slot first', () => {
    const codes = newBackupCodes(systemRandom);
    expect(codes.map(({ slot }) => slot)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const { slot, text } of codes) {
      expect(text).toMatch(/^[0-9A-HJKMNP-TV-Z]{16}$/);
      expect(text.startsWith(String(slot))).toBe(true);
    }
  });

  test('is drawn from every character of the alphabet alike', () => {
    const counts = new Map<string, number>();
    for (let set = 0; set < 200; set += 1) {
      for (const { text } of newBackupCodes(systemRandom)) {
        for (const character of text.slice(1)) {
          counts.set(character, (counts.get(character) ?? 0) + 1);
        }
      }
    }
    expect(counts.size).toBe(32);
    const mean = (200 * CODE_COUNT * 15) / 32;
    for (const count of counts.values()) expect(Math.abs(count - mean)).toBeLessThan(mean / 3);
  });
});

describe('a backup code', () => {
  test('is shown as 4-4-4-4', () => {
    const shown = shownBackupCode({ slot: 3, text: '3K7Q9XWM2FTB64HC' });
    expect(shown).toBe('3K7Q-9XWM-2FTB-64HC');
  });

  test('is read however people type it', () => {
    const spacing = fc.constantFrom('', ' ', '-', '–', '\u00a0', '\t');
    const spelling = (character: string, choice: number) => {
      const alike = { 0: ['0', 'O', 'o'], 1: ['1', 'I', 'i', 'L', 'l'] }[character];
      const ways = alike ?? [character, character.toLowerCase()];
      return ways[choice % ways.length] ?? character;
    };
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(100), spacing), { minLength: 16, maxLength: 16 }),
        fc.nat(CODE_COUNT - 1),
        (ways, slot) => {
          const code = newBackupCodes(systemRandom)[slot];
          if (!code) throw new Error(`There is no code ${slot}`);
          const typed = ways
            .map(([choice, gap], index) => spelling(code.text.charAt(index), choice) + gap)
            .join('');
          expect(readBackupCode(typed)).toEqual(code);
          expect(readBackupCode(shownBackupCode(code))).toEqual(code);
        },
      ),
    );
  });

  test.each([
    '',
    '492817',
    '3K7Q-9XWM-2FTB-64H',
    '3K7Q-9XWM-2FTB-64HCC',
    'AK7Q-9XWM-2FTB-64HC',
    '3K7U-9XWM-2FTB-64HC',
    '3K7Q-9XWM-2FTB-64H!',
  ])('is not %j', (typed) => {
    expect(readBackupCode(typed)).toBeUndefined();
  });
});
