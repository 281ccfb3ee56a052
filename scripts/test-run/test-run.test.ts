import { describe, expect, test } from '@jest/globals';
import { countResult } from './result.ts';
import { readArguments, testMatch } from './suites.ts';

describe('the arguments of npm test', () => {
  test('ask for everything when there are none', () => {
    expect(readArguments([])).toEqual({ suites: [], jestOptions: [] });
    expect(testMatch([])).toEqual(['<rootDir>/**/*.test.ts']);
  });

  test('name suites first and give the rest to Jest', () => {
    expect(readArguments(['race', 'rest', '-t', 'unit'])).toEqual({
      suites: ['race', 'rest'],
      jestOptions: ['-t', 'unit'],
    });
  });

  test('may be a file alone', () => {
    expect(readArguments(['src/config.test.ts'])).toEqual({
      suites: [],
      jestOptions: ['src/config.test.ts'],
    });
  });

  test('select the folder of a suite', () => {
    expect(testMatch(['race'])).toEqual(['<rootDir>/test/race/**/*.test.ts']);
  });
});

describe('the last line of a run', () => {
  test('counts passed and failed tests', () => {
    expect(countResult({ numPassedTests: 7, numFailedTests: 2 }, 1)).toEqual({
      passed: 7,
      failed: 2,
    });
  });

  test('counts a file that could not be loaded as a failure', () => {
    const result = { numPassedTests: 7, numFailedTests: 0, numRuntimeErrorTestSuites: 1 };

    expect(countResult(result, 1)).toEqual({ passed: 7, failed: 1 });
  });

  test.each([
    ['Jest died without a result', undefined, 1],
    ['Jest failed without a failed test', { numPassedTests: 7, numFailedTests: 0 }, 1],
    ['nothing was tested', { numPassedTests: 0, numFailedTests: 0 }, 0],
  ])('says that something failed when %s', (_what, result, exitCode) => {
    expect(countResult(result, exitCode).failed).toBe(1);
  });
});
