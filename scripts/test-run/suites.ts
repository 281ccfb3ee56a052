/** What each suite is, as a pattern of paths. */
export const SUITES: Readonly<Record<string, string>> = {
  unit: '(/(src|scripts|envoy)/.*|/test/[^/]+)\\.test\\.ts$',
  conformance: '/test/conformance/',
  integration: '/test/integration/',
  race: '/test/race/',
  migration: '/test/migration/',
  failure: '/test/failure/',
  rest: '/test/rest/',
};

/** What to run: whether the checks come first, which files, and what else jest is told. */
export interface Plan {
  readonly isChecked: boolean;
  readonly patterns: readonly string[];
  readonly jestArguments: readonly string[];
}

/** Reads `npm test [suite…] [jest options]`; without a suite, everything runs, the checks first. */
export function planOf(words: readonly string[]): Plan {
  const end = words.findIndex((word) => word.startsWith('-'));
  const named = end === -1 ? words : words.slice(0, end);
  const jestArguments = end === -1 ? [] : words.slice(end);
  const patterns = named.map((word) => SUITES[word] ?? word);
  return { isChecked: words.length === 0, patterns, jestArguments };
}
