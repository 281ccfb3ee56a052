import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';

/** One `import`, `export … from` or `import()` of a file. */
export interface Import {
  /** Path from the repository's root, or the name of a package. */
  readonly target: string;
  /** Names that are imported as values; empty when only types are. */
  readonly values: readonly string[];
  /** Names under which values are exported, where the import calls them otherwise. */
  readonly originals: ReadonlyMap<string, string>;
  readonly isTypeOnly: boolean;
  readonly line: number;
}

/** A parsed file of the repository. */
export interface Source {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
}

export const root = dirname(dirname(import.meta.dirname));

/** Parses one file; `path` decides which rules concern it. */
export function sourceOf(path: string, text: string): Source {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports = nodesOf(tree).flatMap((node) => importsOf(path, node));
  return { path, text, tree, imports };
}

/** Every TypeScript and JavaScript file below the folders. */
export function readSources(folders: readonly string[]): Source[] {
  const patterns = folders.map((folder) => `${folder}/**/*.{ts,mjs}`);
  return globSync(patterns, { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => sourceOf(path, readFileSync(join(root, path), 'utf8')));
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/');
}

/** The node and everything below it. */
export function nodesOf(node: ts.Node): ts.Node[] {
  const found: ts.Node[] = [node];
  node.forEachChild((child) => {
    found.push(...nodesOf(child));
  });
  return found;
}

export function lineOf(node: ts.Node): number {
  const file = node.getSourceFile();
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
}

/** The text of a string or of a template; what a template inserts is taken from constants of the file. */
export function textOf(node: ts.Node | undefined, source: Source): string | undefined {
  if (!node) return undefined;
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  const spans = node.templateSpans.map(({ expression, literal }) => {
    const inserted = ts.isIdentifier(expression) ? constantOf(source, expression.text) : undefined;
    return `${inserted ?? ' '}${literal.text}`;
  });
  return `${node.head.text}${spans.join('')}`;
}

function constantOf(source: Source, name: string): string | undefined {
  for (const statement of source.tree.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const found = statement.declarationList.declarations.find(
      (declaration) => declaration.name.getText() === name,
    );
    if (found) return textOf(found.initializer, source);
  }
  return undefined;
}

function importsOf(path: string, node: ts.Node): Import[] {
  const line = lineOf(node);
  if (ts.isImportDeclaration(node)) {
    const target = resolved(path, node.moduleSpecifier);
    const values = valuesOf(node.importClause);
    const originals = originalsOf(node.importClause);
    return [{ target, values, originals, isTypeOnly: isTypeOnly(node, values), line }];
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
    return [{ ...whole(path, node.moduleSpecifier, node.isTypeOnly), line }];
  }
  const [argument] = ts.isCallExpression(node) && isDynamicImport(node) ? node.arguments : [];
  if (argument) return [{ ...whole(path, argument, false), line }];
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return [{ ...whole(path, node.argument.literal, true), line }];
  }
  return [];
}

/** An import of everything that the other file exports. */
function whole(path: string, specifier: ts.Node, isType: boolean): Omit<Import, 'line'> {
  const values = isType ? [] : ['*'];
  const target = resolved(path, specifier);
  return { target, values, originals: new Map(), isTypeOnly: isType };
}

function originalsOf(clause: ts.ImportClause | undefined): Map<string, string> {
  const bindings = clause?.namedBindings;
  if (!bindings || ts.isNamespaceImport(bindings)) return new Map();
  const renamed = bindings.elements.filter(({ propertyName }) => propertyName !== undefined);
  return new Map(
    renamed.map(({ name, propertyName }) => [name.text, propertyName?.text ?? name.text]),
  );
}

function isDynamicImport(node: ts.CallExpression): boolean {
  return node.expression.kind === ts.SyntaxKind.ImportKeyword;
}

function isTypeOnly(node: ts.ImportDeclaration, values: readonly string[]): boolean {
  return node.importClause !== undefined && values.length === 0;
}

function valuesOf(clause: ts.ImportClause | undefined): string[] {
  if (!clause || clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return [];
  const names = clause.name ? [clause.name.text] : [];
  const bindings = clause.namedBindings;
  if (!bindings) return names;
  if (ts.isNamespaceImport(bindings)) return [...names, bindings.name.text];
  const named = bindings.elements.filter((element) => !element.isTypeOnly);
  return [...names, ...named.map((element) => element.name.text)];
}

function resolved(path: string, specifier: ts.Node): string {
  const text = ts.isStringLiteralLike(specifier) ? specifier.text : '(computed)';
  return text.startsWith('.') ? posix.join(posix.dirname(path), text) : text;
}
