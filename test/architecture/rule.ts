import { lineOf } from './source.ts';
import type { Source } from './source.ts';
import type ts from 'typescript';

/** What is wrong, and where. */
export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly problem: string;
}

/** Looks at the whole tree at once; a rule about one file goes through them. */
export type Rule = (sources: readonly Source[]) => Violation[];

/** A violation that stays, with the reason why it may. */
export interface Exception {
  readonly rule: string;
  readonly path: string;
  /** Part of the problem's text; without it every violation of the rule in the file is meant. */
  readonly about?: string;
  readonly reason: string;
}

export interface Judgement {
  /** `path:line problem` */
  readonly violations: readonly string[];
  /** Exceptions that excuse nothing any more. */
  readonly unused: readonly Exception[];
}

/** Applies one rule and takes its exceptions out. */
export function judge(
  [name, rule]: readonly [string, Rule],
  sources: readonly Source[],
  exceptions: readonly Exception[],
): Judgement {
  const own = exceptions.filter((exception) => exception.rule === name);
  const found = rule(sources);
  const violations = found
    .filter((violation) => !own.some((exception) => excuses(exception, violation)))
    .map(({ path, line, problem }) => `${path}:${line} ${problem}`);
  const unused = own.filter((exception) => !found.some((one) => excuses(exception, one)));
  return { violations, unused };
}

/** A violation at a node of a file. */
export function at(source: Source, node: ts.Node, problem: string): Violation {
  return { path: source.path, line: lineOf(node), problem };
}

function excuses({ path, about = '' }: Exception, violation: Violation): boolean {
  return path === violation.path && violation.problem.includes(about);
}
