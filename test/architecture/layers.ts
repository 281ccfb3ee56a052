import type { Rule, Violation } from './rule.ts';
import { isTest } from './source.ts';
import type { Import, Source } from './source.ts';

/**
 * Left to right: a unit imports what stands left of it, never what stands beside it or right of it.
 * A unit is a folder below src, or a file in it.
 */
const ORDER = [
  ['platform'],
  ['errors'],
  ['config'],
  ['db'],
  ['paging'],
  ['rpc'],
  ['peers'],
  ['limits', 'audit', 'outbox'],
  ['sms', 'fraud'],
  ['phone', 'token', 'transparency', 'two-factor'],
  ['session'],
  ['key-events'],
  ['device'],
  ['keys'],
  ['claims'],
  ['entry'],
  ['sign-in', 'sign-out', 'account', 'factor', 'recovery', 'link'],
  ['rpc/routes'],
  ['jobs'],
  ['gauges', 'job-table'],
  ['context'],
  ['servers'],
  ['app', 'commands'],
  ['main'],
];

const FEATURES = new Set(ORDER.slice(rankOf('limits'), rankOf('rpc/routes')).flat());

/** The files that put the process together. */
export const COMPOSITION = /^src\/(main|app|context|servers|commands|gauges|job-table|jobs)\.ts$/;

interface Door {
  readonly target: RegExp;
  readonly importer: RegExp;
  readonly rule: string;
}

/** Who may import what, beside the order. */
const DOORS: readonly Door[] = [
  {
    target: /^src\/[^/]+\/rpc\.ts$/,
    importer: /^src\/rpc\/routes\.ts$/,
    rule: 'handlers are imported by rpc/routes.ts only',
  },
  {
    target: /^src\/rpc\//,
    importer: /^src\/(rpc\/.+|[^/]+\/rpc|main|app|context|servers|commands)\.ts$/,
    rule: 'the edge is known to handlers and to the composition only',
  },
  {
    target: /^src\/[^/]+\/wire-[^/]+\.ts$/,
    importer: /^src\/([^/]+\/rpc|[^/]+\/wire-[^/]+|(outbox|peers)\/[^/]+)\.ts$/,
    rule: 'messages are known to handlers, wire files, outbox and peers only',
  },
  {
    target: /^src\/config(\/.+)?\.ts$/,
    importer: /^src\/(config\/.+|db\/.+|config|main|app|context|servers|commands)\.ts$/,
    rule: 'the configuration is passed on by the composition; verbs name the few values they need',
  },
  {
    target: /^src\/db\//,
    importer: /^src\/(db\/.+|app|context|commands)\.ts$/,
    rule: 'the data source is opened by the composition',
  },
];

/** Files beside main.ts that are no feature: the folder or file is the unit. */
export function unitOf(path: string): string {
  const [, first = '', ...rest] = path.split('/');
  if (path === 'src/rpc/routes.ts') return 'rpc/routes';
  return rest.length === 0 ? first.replace(/\.ts$/, '') : first;
}

export function isFeature(unit: string): boolean {
  return FEATURES.has(unit);
}

/** Imports go left. */
export const importsGoLeft: Rule = (sources) =>
  importing(sources).flatMap(({ source, imported }) => {
    const [from, to] = [unitOf(source.path), unitOf(imported.target)];
    if (from === to || !imported.target.startsWith('src/')) return [];
    const [fromRank, toRank] = [rankOf(from), rankOf(to)];
    if (fromRank < 0) return [wrong(source, imported, `${from} has no place in the order`)];
    if (toRank < fromRank) return [];
    return [wrong(source, imported, `${from} imports ${to}, which is not left of it`)];
  });

/** Handlers, wire files, edge, configuration and data source have doors. */
export const doorsAreKept: Rule = (sources) =>
  importing(sources).flatMap(({ source, imported }) =>
    DOORS.filter(
      ({ target, importer }) => target.test(imported.target) && !importer.test(source.path),
    )
      .filter(() => source.path !== imported.target)
      .map(({ rule }) => wrong(source, imported, `imports ${imported.target}: ${rule}`)),
  );

/** A store knows PostgreSQL and types. */
export const storesStandOnPlatform: Rule = (sources) =>
  importing(sources)
    .filter(({ source }) => /^src\/[^/]+\/(store(-[^/]+)?|rows)\.ts$/.test(source.path))
    .filter(
      ({ imported }) => imported.values.length > 0 && !imported.target.startsWith('src/platform/'),
    )
    .map(({ source, imported }) => wrong(source, imported, `a store calls ${imported.target}`));

const MAY_IMPORT_GEN = /^src\/(rpc\/.+|[^/]+\/rpc|[^/]+\/wire-[^/]+|(peers|outbox)\/[^/]+)\.ts$/;

/** Generated messages stay at the edge. */
export const messagesStayAtTheEdge: Rule = (sources) =>
  importing(sources)
    .filter(({ imported }) => imported.target.startsWith('gen/'))
    .filter(({ source }) => !MAY_IMPORT_GEN.test(source.path))
    .filter(({ source, imported }) => source.path !== 'src/errors.ts' || !imported.isTypeOnly)
    .map(({ source, imported }) => wrong(source, imported, `imports ${imported.target}`));

function importing(sources: readonly Source[]): { source: Source; imported: Import }[] {
  return sources
    .filter(({ path }) => path.startsWith('src/') && !isTest(path))
    .flatMap((source) => source.imports.map((imported) => ({ source, imported })));
}

function rankOf(unit: string): number {
  return ORDER.findIndex((group) => group.includes(unit));
}

function wrong(source: Source, imported: Import, problem: string): Violation {
  return { path: source.path, line: imported.line, problem };
}
