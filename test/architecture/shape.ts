import ts from 'typescript';
import { isFeature, unitOf } from './layers.ts';
import { at } from './rule.ts';
import type { Rule, Violation } from './rule.ts';
import { isTest, nodesOf } from './source.ts';
import type { Source } from './source.ts';

const MAX_FILE_LINES = 250;
const MAX_FUNCTION_LINES = 40;
const MAX_FEATURE_FILES = 12;

/** Names that say nothing about what is inside. */
const EMPTY_NAMES = new Set(['common', 'shared', 'utils', 'util', 'helpers', 'helper', 'types']);

/** A file that imports itself through others cannot be understood, or loaded, before them. */
export const nothingIsCircular: Rule = (sources) => {
  const known = new Map(sources.map((source) => [source.path, source]));
  return sources.flatMap((source) => {
    const way = wayBack(known, source);
    return way ? [ofFile(source, `imports itself: ${way.join(' → ')}`)] : [];
  });
};

/** "Go to definition" leads to the definition. */
export const nothingIsABarrel: Rule = (sources) =>
  sources.flatMap((source) => {
    const { statements } = source.tree;
    const isBarrel = statements.length > 0 && statements.every(isForwarding);
    if (/\/index\.\w+$/.test(source.path)) return [ofFile(source, 'is an index file')];
    return isBarrel ? [ofFile(source, 'only passes on what other files export')] : [];
  });

/** Files and folders are kebab-case and say what they hold. */
export const namesSayWhatIsInside: Rule = (sources) =>
  sources.flatMap((source) => {
    const parts = source.path.split('/').map((part) => part.replace(/(\.test)?\.(ts|mjs)$/, ''));
    const empty = parts.filter((part) => EMPTY_NAMES.has(part));
    const odd = parts.filter((part) => !/^[a-z0-9]+([-.][a-z0-9]+)*$/.test(part));
    return [
      ...empty.map((part) => ofFile(source, `'${part}' says nothing about what is inside`)),
      ...odd
        .filter((part) => !/^\d{8}T\d{4}-[a-z0-9-]+$/.test(part))
        .map((part) => ofFile(source, `'${part}' is not kebab-case`)),
    ];
  });

export const filesAreShort: Rule = (sources) =>
  sources.flatMap((source) => {
    const lines = source.text.replace(/\n$/, '').split('\n').length;
    return lines > MAX_FILE_LINES ? [ofFile(source, `has ${lines} lines`)] : [];
  });

/** Tests are exempt: `describe` wraps a whole file. */
export const functionsAreShort: Rule = (sources) =>
  sources
    .filter(({ path }) => !isTest(path) && !path.startsWith('src/db/migrations/'))
    .flatMap((source) =>
      nodesOf(source.tree)
        .filter(ts.isFunctionLike)
        .flatMap((node) => {
          const lines = node.getText().split('\n').length;
          const name = node.name?.getText() ?? 'a function';
          return lines > MAX_FUNCTION_LINES ? [at(source, node, `${name} has ${lines} lines`)] : [];
        }),
    );

export const featuresAreSmall: Rule = (sources) => {
  const files = Map.groupBy(
    sources.filter(({ path }) => path.startsWith('src/') && !isTest(path)),
    ({ path }) => unitOf(path),
  );
  return [...files].flatMap(([unit, own]) =>
    isFeature(unit) && own.length > MAX_FEATURE_FILES
      ? [{ path: `src/${unit}`, line: 0, problem: `has ${own.length} files` }]
      : [],
  );
};

/** `refuses a refresh token used twice`: at least three words, and no "should". */
export const testNamesAreSentences: Rule = (sources) =>
  sources
    .filter(({ path }) => path.endsWith('.test.ts'))
    .flatMap((source) =>
      nodesOf(source.tree)
        .filter(ts.isCallExpression)
        .flatMap((call) => (isTestCall(call) ? nameProblems(source, call) : [])),
    );

/** A test that mocks our own code is not a test; one that is skipped or alone hides the others. */
export const testsAreReal: Rule = (sources) =>
  sources
    .filter(({ path }) => isTest(path))
    .flatMap((source) =>
      nodesOf(source.tree)
        .filter(ts.isPropertyAccessExpression)
        .filter(({ expression, name }) => isFake(expression.getText(), name.text))
        .map((node) => at(source, node, `uses ${node.getText()}`)),
    );

function isFake(object: string, property: string): boolean {
  if (object === 'jest') return /^(mock|unstable_mockModule|spyOn|fn|doMock)$/.test(property);
  return /^(test|it|describe)$/.test(object) && /^(only|skip|todo|failing)$/.test(property);
}

/** `test('…')` or `test.each(rows)('…')`. */
function isTestCall({ expression }: ts.CallExpression): boolean {
  if (ts.isIdentifier(expression)) return /^(test|it)$/.test(expression.text);
  return (
    ts.isCallExpression(expression) && /^(test|it)\.each$/.test(expression.expression.getText())
  );
}

function nameProblems(source: Source, call: ts.CallExpression): Violation[] {
  const [name] = call.arguments;
  if (!name || !(ts.isStringLiteralLike(name) || ts.isTemplateExpression(name))) return [];
  const text = name.getText().slice(1, -1);
  if (/^(should|works|test)\b/i.test(text)) return [at(source, name, `'${text}' is no sentence`)];
  return text.trim().split(/\s+/).length < 3
    ? [at(source, name, `'${text}' is too short to say what holds`)]
    : [];
}

function isForwarding(statement: ts.Statement): boolean {
  return (
    ts.isImportDeclaration(statement) ||
    (ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined)
  );
}

/** The shortest way from a file to itself, reported once: at the cycle's first file by name. */
function wayBack(known: ReadonlyMap<string, Source>, start: Source): string[] | undefined {
  const queue: (readonly string[])[] = [[start.path]];
  const seen = new Set<string>();
  for (let way = queue.shift(); way; way = queue.shift()) {
    for (const { target } of known.get(way.at(-1) ?? '')?.imports ?? []) {
      if (target === start.path) return [...way, target];
      if (target < start.path || seen.has(target) || !known.has(target)) continue;
      seen.add(target);
      queue.push([...way, target]);
    }
  }
  return undefined;
}

function ofFile(source: Source, problem: string): Violation {
  return { path: source.path, line: 1, problem };
}
