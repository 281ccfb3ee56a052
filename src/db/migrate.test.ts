import { describe, expect, test } from '@jest/globals';
import { migrate } from './migrate.ts';

describe('the migration command', () => {
  test.each([[[]], [['other']], [['generate']], [['create']], [['run', 'something']]])(
    'explains itself when called with %j',
    async (words) => {
      const log = { info: () => undefined, warn: () => undefined };

      await expect(migrate(words, log)).rejects.toThrow('usage:');
    },
  );
});
