/** The suites, by the folder below test/ that holds them; `unit` is everything that needs no folder. */
export const SUITES = [
  'unit',
  'integration',
  'race',
  'rest',
  'failure',
  'migration',
  'conformance',
  'attacks',
  'property',
] as const;
export type Suite = (typeof SUITES)[number];

/** What `npm test` was asked for: suites (none = all) and everything else, which is Jest's. */
export type Asked = { readonly suites: readonly Suite[]; readonly jestOptions: readonly string[] };

/** Leading words that name suites are suites; the first other word begins Jest's options. */
export function readArguments(words: readonly string[]): Asked {
  const count = words.findIndex((word) => suiteNamed(word) === undefined);
  const names = count === -1 ? words : words.slice(0, count);
  return {
    suites: names.flatMap((name) => suiteNamed(name) ?? []),
    jestOptions: count === -1 ? [] : words.slice(count),
  };
}

/** Jest's testMatch for these suites; all suites are every test file, so that none is forgotten. */
export function testMatch(suites: readonly Suite[]): string[] {
  if (suites.length === 0) {
    return ['<rootDir>/**/*.test.ts'];
  }
  return suites.flatMap((suite) =>
    suite === 'unit' ? UNIT : [`<rootDir>/test/${suite}/**/*.test.ts`],
  );
}

const UNIT = ['<rootDir>/{src,scripts,envoy}/**/*.test.ts', '<rootDir>/test/*.test.ts'];

function suiteNamed(word: string): Suite | undefined {
  return SUITES.find((suite) => suite === word);
}
