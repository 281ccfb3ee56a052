import ts from 'typescript';
import { nodesOf, textOf } from './source.ts';
import type { Source } from './source.ts';

/** One `sql(name, text)` or `script(name, text)`. */
export interface Declared {
  readonly source: Source;
  readonly node: ts.CallExpression;
  readonly kind: 'sql' | 'script';
  readonly name: string;
  readonly text: string;
  /** The constant that holds it, if one does. */
  readonly constant: string | undefined;
}

/** Every statement and script of the sources; a text that cannot be read is empty. */
export function declaredIn(sources: readonly Source[]): Declared[] {
  return sources.flatMap((source) =>
    nodesOf(source.tree)
      .filter(ts.isCallExpression)
      .flatMap((node) => {
        const kind = node.expression.getText();
        if (kind !== 'sql' && kind !== 'script') return [];
        const [name, text] = node.arguments;
        const { parent } = node;
        const constant = ts.isVariableDeclaration(parent) ? parent.name.getText() : undefined;
        const texts = { name: textOf(name, source) ?? '', text: textOf(text, source) ?? '' };
        return [{ source, node, kind, constant, ...texts }];
      }),
  );
}

const NOT_A_TABLE = new Set(['set', 'of', 'nowait', 'skip', 'on', 'from']);

/** Tables that a statement inserts into, updates, deletes from, merges into or truncates. */
export function writtenTables(text: string): string[] {
  const plain = bare(text);
  const written = [
    ...plain.matchAll(/\b(?:insert|merge)\s+into\s+(?:only\s+)?([\w."]+)/g),
    ...plain.matchAll(/\bdelete\s+from\s+(?:only\s+)?([\w."]+)/g),
    ...plain.matchAll(/\btruncate\s+(?:table\s+)?(?:only\s+)?([\w."]+)/g),
    ...plain.matchAll(/(?<!\b(?:for|no key|do|on)\s+)\bupdate\s+(?:only\s+)?([\w."]+)/g),
  ];
  const names = written.map(([, name = '']) => name.replaceAll('"', '').replace(/^public\./, ''));
  return [...new Set(names.filter((name) => !NOT_A_TABLE.has(name)))];
}

/** What a statement does to a table: the columns that it sets, `DELETE`, or `INSERT`. */
export function changesOf(text: string, table: string): string[] {
  const plain = bare(text);
  const updates = plain.matchAll(
    new RegExp(
      `\\bupdate\\s+${table}\\b[\\s\\w]*?\\bset\\b([\\s\\S]*?)(?:\\bwhere\\b|\\breturning\\b|$)`,
      'g',
    ),
  );
  const columns = [...updates].flatMap(([, list = '']) =>
    [...list.matchAll(/(?:^|,)\s*(\w+)\s*=/g)].map(([, column = '']) => column),
  );
  return [
    ...columns,
    ...(new RegExp(`\\bdelete\\s+from\\s+${table}\\b`).test(plain) ? ['DELETE'] : []),
    ...(new RegExp(`\\binsert\\s+into\\s+${table}\\b`).test(plain) ? ['INSERT'] : []),
  ];
}

/** Functions that a statement calls, of the names given. */
export function calledFunctions(text: string, names: readonly string[]): string[] {
  const plain = bare(text);
  return names.filter((name) => new RegExp(`\\b${name}\\s*\\(`).test(plain));
}

export function takesLock(text: string): boolean {
  return /\bfor\s+(no\s+key\s+)?(update|share)\b|\bfor\s+key\s+share\b|pg_advisory_xact_lock/.test(
    bare(text),
  );
}

/** Lower case, without comments and quoted text. */
function bare(text: string): string {
  return text
    .replace(/--.*$/gm, ' ')
    .replace(/\/\*[\s\S]*?\*\//g, ' ')
    .replace(/'(?:[^']|'')*'/g, "''")
    .toLowerCase();
}
