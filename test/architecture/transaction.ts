import ts from 'typescript';
import { at } from './rule.ts';
import type { Rule } from './rule.ts';
import { isTest, nodesOf } from './source.ts';
import type { Source } from './source.ts';

/** Objects that speak to something which no ROLLBACK takes back. */
const OUTSIDE = new Set(['redis', 'limiter', 'sms', 'feed', 'fetch']);

/**
 * A transaction may run twice and may roll back: nothing inside it speaks to Redis, to a limiter, to a
 * provider or to the network, neither itself nor through functions of ours that it calls.
 */
export const transactionsStayInside: Rule = (sources) => {
  const served = sources.filter(({ path }) => path.startsWith('src/') && !isTest(path));
  const speaking = speakingFunctions(served);
  return served.flatMap((source) =>
    nodesOf(source.tree)
      .filter(isInTransaction)
      .flatMap((work) => nodesOf(work.body ?? work))
      .flatMap((node) => {
        if (isOutside(node)) return [at(source, node, `speaks to ${node.getText()}`)];
        const called = calledIn(source, node);
        return called !== undefined && speaking.has(called)
          ? [at(source, node, `calls ${called.split('#')[1] ?? ''}, which leaves the transaction`)]
          : [];
      }),
  );
};

type Work =
  ts.FunctionDeclaration | ts.ArrowFunction | ts.FunctionExpression | ts.MethodDeclaration;

/** A function that takes a Tx, or is given to `tx()`. */
function isInTransaction(node: ts.Node): node is Work {
  const isWork =
    ts.isFunctionDeclaration(node) ||
    ts.isArrowFunction(node) ||
    ts.isFunctionExpression(node) ||
    ts.isMethodDeclaration(node);
  if (!isWork) return false;
  if (node.parameters.some(({ type }) => type?.getText() === 'Tx')) return true;
  const { parent } = node;
  return ts.isCallExpression(parent) && /(^|\.)tx$/.test(parent.expression.getText());
}

/** Names `file#function` of all that reach the outside, through however many calls. */
function speakingFunctions(sources: readonly Source[]): Set<string> {
  const calls = new Map<string, Set<string>>();
  const speaking = new Set<string>();
  for (const source of sources) {
    for (const node of source.tree.statements.filter(ts.isFunctionDeclaration)) {
      const name = `${source.path}#${node.name?.text ?? ''}`;
      const inner = node.body ? nodesOf(node.body) : [];
      if (inner.some(isOutside)) speaking.add(name);
      calls.set(name, new Set(inner.flatMap((child) => calledIn(source, child) ?? [])));
    }
  }
  for (let size = -1; size !== speaking.size;) {
    size = speaking.size;
    for (const [name, called] of calls) {
      if (!called.isDisjointFrom(speaking)) speaking.add(name);
    }
  }
  return speaking;
}

/** `deps.redis`, or `redis` on its own; not the type of a field or the key of a literal. */
function isOutside(node: ts.Node): boolean {
  if (!ts.isIdentifier(node) || !OUTSIDE.has(node.text)) return false;
  const { parent } = node;
  return !ts.isPropertyAssignment(parent) && !ts.isPropertySignature(parent);
}

/** The function of ours that a call expression calls, as `file#function`. */
function calledIn(source: Source, node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression)) return undefined;
  const { text } = node.expression;
  const imported = source.imports.find(({ values }) => values.includes(text));
  return `${imported?.target ?? source.path}#${imported?.originals.get(text) ?? text}`;
}
