import ts from 'typescript';
import { COMPOSITION, isFeature, unitOf } from './layers.ts';
import { at } from './rule.ts';
import type { Rule } from './rule.ts';
import { isTest, nodesOf } from './source.ts';
import type { Source } from './source.ts';

/** Only the configuration reads the environment. */
export const onlyConfigReadsTheEnvironment: Rule = (sources) =>
  processUses(sources)
    .filter(({ use, source }) => use === 'env' && !/^src\/config(\/.+)?\.ts$/.test(source.path))
    .map(({ source, node }) => at(source, node, 'reads the environment'));

/** Only main.ts has signals, arguments, streams and an exit code. */
export const onlyMainTouchesTheProcess: Rule = (sources) =>
  processUses(sources)
    .filter(({ use, source }) => use !== 'env' && source.path !== 'src/main.ts')
    .map(({ source, node, use }) => at(source, node, `touches process.${use}`));

/** What opens sockets, files or threads, by the package that it comes from. */
const RESOURCES: Readonly<Record<string, RegExp>> = {
  pg: /^(Pool|Client)$/,
  ioredis: /^(Redis|Cluster)$/,
  typeorm: /^DataSource$/,
  '@grpc/grpc-js': /^(Server|Client)$/,
  '@connectrpc/connect-node': /^create\w*Transport$/,
  'node:http': /^(createServer|request|get)$/,
  'node:http2': /^(createServer|createSecureServer|connect)$/,
  'node:https': /^(createServer|request|get)$/,
  'node:net': /^(createServer|createConnection|connect|Socket)$/,
  'node:worker_threads': /^Worker$/,
  'node:child_process': /./,
};

/** The files that hold the factories of those. */
const FACTORIES =
  /^src\/(platform\/.+|peers\/.+|db\/data-source|rpc\/(grpc-server|connect-server|http-listener))\.ts$/;

/** Pools, clients, servers and workers are made in their factories. */
export const resourcesAreMadeInFactories: Rule = (sources) =>
  served(sources)
    .filter(({ path }) => !FACTORIES.test(path))
    .flatMap((source) =>
      source.imports.flatMap(({ target, values, line }) =>
        values
          .filter((name) => RESOURCES[target]?.test(name))
          .map((name) => ({ path: source.path, line, problem: `makes ${name} of ${target}` })),
      ),
    );

/** Values and outcomes: made wherever they are needed. */
const VALUES = /^(DomainError|Secret|\w+Unavailable|\w+Error)$/;

/** Only the composition calls a factory, or makes an object of a class, of another unit. */
export const onlyTheCompositionConstructs: Rule = (sources) =>
  served(sources)
    .filter(({ path }) => !COMPOSITION.test(path) && path !== 'src/rpc/routes.ts')
    .flatMap((source) => {
      const foreign = foreignNames(source);
      return nodesOf(source.tree)
        .filter((node) => ts.isNewExpression(node) || ts.isCallExpression(node))
        .filter(({ expression }) => foreign.has(expression.getText()))
        .filter((node) => ts.isNewExpression(node) || isFactory(node.expression.getText()))
        .filter(({ expression }) => !VALUES.test(expression.getText()))
        .map((node) => at(source, node, `constructs with ${node.expression.getText()}`));
    });

/** `reveal()` ends the protection of a secret: each place is listed here to be reviewed. */
const MAY_REVEAL =
  /^src\/(context|commands|sms\/open|platform\/redis-connect|db\/(data-source|migrate)|rpc\/edge)\.ts$/;

/** Secrets are revealed where they are used up, and nowhere between. */
export const secretsAreRevealedAtTheEnd: Rule = (sources) =>
  served(sources)
    .filter(({ path }) => !MAY_REVEAL.test(path))
    .flatMap((source) =>
      nodesOf(source.tree)
        .filter(ts.isPropertyAccessExpression)
        .filter(({ name }) => name.text === 'reveal')
        .map((node) => at(source, node, `reveals ${node.expression.getText()}`)),
    );

function served(sources: readonly Source[]): Source[] {
  return sources.filter(({ path }) => path.startsWith('src/') && !isTest(path));
}

function isFactory(name: string): boolean {
  return /^(create|open)[A-Z]/.test(name);
}

/** What a file imports, as a value, from another feature or from platform, rpc or db. */
function foreignNames(source: Source): Set<string> {
  const own = unitOf(source.path);
  const foreign = source.imports.filter(({ target }) => {
    const unit = unitOf(target);
    const isBuilding = isFeature(unit) || ['platform', 'rpc', 'db', 'peers'].includes(unit);
    return target.startsWith('src/') && isBuilding && unit !== own;
  });
  return new Set(foreign.flatMap(({ values }) => values));
}

interface ProcessUse {
  readonly source: Source;
  readonly node: ts.Node;
  /** The property that is used; `process` where the object is passed on or taken apart. */
  readonly use: string;
}

function processUses(sources: readonly Source[]): ProcessUse[] {
  return served(sources).flatMap((source) => [
    ...nodesOf(source.tree)
      .filter(ts.isIdentifier)
      .filter((node) => node.text === 'process' && isValue(node))
      .map((node) => ({ source, node, use: useOf(node) })),
    ...source.tree.statements
      .filter(ts.isImportDeclaration)
      .filter(({ moduleSpecifier }) => /^.(node:)?process.$/.test(moduleSpecifier.getText()))
      .map((node) => ({ source, node, use: 'process' })),
  ]);
}

/** Not a key, a member of something else or part of an import. */
function isValue(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    return /^(globalThis|global)$/.test(parent.expression.getText());
  }
  const isName = 'name' in parent && parent.name === node;
  return !isName && !ts.isImportSpecifier(parent) && !ts.isImportClause(parent);
}

function useOf(node: ts.Identifier): string {
  const holder = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
  const whole: ts.Node = holder ? node.parent : node;
  const { parent } = whole;
  if (ts.isPropertyAccessExpression(parent) && parent.expression === whole) return parent.name.text;
  if (ts.isElementAccessExpression(parent) && parent.expression === whole) {
    return ts.isStringLiteralLike(parent.argumentExpression)
      ? parent.argumentExpression.text
      : 'process';
  }
  return 'process';
}
