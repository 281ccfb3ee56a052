import ts from 'typescript';
import { unitOf } from './layers.ts';
import { at } from './rule.ts';
import type { Rule } from './rule.ts';
import { isTest, nodesOf, textOf } from './source.ts';
import type { Source } from './source.ts';
import { calledFunctions, changesOf, declaredIn, takesLock, writtenTables } from './statement.ts';
import { OWNERS, SHARED_COLUMNS, WRITING_FUNCTIONS } from './tables.ts';

/** Statements and scripts are named `<feature>.<verb>`, and each name once. */
export const statementsHaveNames: Rule = (sources) => {
  const declared = declaredIn(served(sources));
  return declared.flatMap(({ source, node, kind, name }) => {
    const prefix = unitOf(source.path).replaceAll('-', '_');
    const isOwn = new RegExp(`^${prefix}\\.[a-z][a-z0-9_]*$`).test(name);
    const isRepeated = declared.some(
      (other) => other.node !== node && other.kind === kind && other.name === name,
    );
    return [
      ...(isOwn ? [] : [at(source, node, `'${name}' is not named ${prefix}.<verb>`)]),
      ...(isRepeated ? [at(source, node, `'${name}' is declared twice`)] : []),
    ];
  });
};

/** A statement writes the tables of its own feature, whatever it reads. */
export const statementsWriteOwnTables: Rule = (sources) =>
  declaredIn(served(sources))
    .filter(({ kind }) => kind === 'sql')
    .flatMap(({ source, node, text }) => {
      if (text === '') return [at(source, node, 'has a text that cannot be read here')];
      const unit = unitOf(source.path);
      const functions = calledFunctions(text, Object.keys(WRITING_FUNCTIONS));
      const written = [
        ...writtenTables(text),
        ...functions.flatMap((name) => WRITING_FUNCTIONS[name] ?? []),
      ];
      return written
        .filter((table) => OWNERS[table] !== unit && !mayChange(unit, table, text))
        .map((table) => at(source, node, `writes ${table}, which belongs to ${ownerOf(table)}`));
    });

/** Every table that a migration creates has an owner. */
export const tablesHaveOwners: Rule = (sources) =>
  sources
    .filter(({ path }) => path.startsWith('src/db/migrations/'))
    .flatMap((source) =>
      [...source.text.matchAll(/create table (?:if not exists )?(?!if\b)([a-z_]+)/gi)]
        .filter(([, table = '']) => OWNERS[table] === undefined)
        .map(([, table]) => ({
          path: source.path,
          line: 1,
          problem: `${table ?? ''} has no owner`,
        })),
    );

/** A lock lasts until the transaction ends, so who takes one has a transaction. */
export const locksNeedATransaction: Rule = (sources) =>
  declaredIn(served(sources))
    .filter(
      ({ kind, text, constant }) => kind === 'sql' && constant !== undefined && takesLock(text),
    )
    .flatMap(({ source, constant }) =>
      nodesOf(source.tree)
        .filter(ts.isFunctionDeclaration)
        .filter((node) => isUsedIn(node, constant ?? ''))
        .filter((node) => !node.parameters.some(({ type }) => type?.getText() === 'Tx'))
        .map((node) => at(source, node, `${node.name?.text ?? ''} locks without a Tx`)),
    );

/** SQL stands in named statements: that is where its tables are checked. */
export const sqlStandsInStatements: Rule = (sources) =>
  served(sources)
    .filter(({ path }) => !path.startsWith('src/db/'))
    .flatMap((source) => {
      const declared = new Set(declaredIn([source]).flatMap(({ node }) => [...node.arguments]));
      return nodesOf(source.tree)
        .filter((node) => ts.isStringLiteralLike(node) || ts.isTemplateExpression(node))
        .filter((node) => !declared.has(node))
        .filter((node) => isSql(textOf(node, source) ?? ''))
        .map((node) => at(source, node, 'has SQL outside of sql()'));
    });

/** A script says what it takes and returns, in its first lines. */
export const scriptsHaveHeaders: Rule = (sources) =>
  declaredIn(served(sources))
    .filter(({ kind }) => kind === 'script')
    .filter(({ text }) => !/^-- KEYS: .+\n(-- .+\n)*-- returns .+/.test(text))
    .map(({ source, node, name }) =>
      at(source, node, `${name} has no KEYS / ARGV / returns header`),
    );

function served(sources: readonly Source[]): Source[] {
  return sources.filter(({ path }) => path.startsWith('src/') && !isTest(path));
}

/** Whether everything that the text does to the table was granted to the feature. */
function mayChange(unit: string, table: string, text: string): boolean {
  const granted = SHARED_COLUMNS[table]?.[unit];
  const changes = changesOf(text, table);
  return granted !== undefined && changes.length > 0 && changes.every((c) => granted.includes(c));
}

function ownerOf(table: string): string {
  return OWNERS[table] ?? 'nobody';
}

function isUsedIn(node: ts.FunctionDeclaration, name: string): boolean {
  return nodesOf(node).some((inner) => ts.isIdentifier(inner) && inner.text === name);
}

function isSql(text: string): boolean {
  return /^\s*(select\s.+\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s)/is.test(
    text,
  );
}
