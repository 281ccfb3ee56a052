/** Reads the comments of the protos, which are the manual. */
import type { AnyDesc, DescFile, DescMethod } from '@bufbuild/protobuf';
import { getComments } from '@bufbuild/protoplugin';

/** One line below `Errors:`. */
export type ErrorLine = { readonly status: string; readonly reason: string; readonly when: string };

export type MethodComment = {
  readonly summary: string;
  readonly description: string;
  readonly errors: readonly ErrorLine[];
  /** `media/type`, or `media/type Message`, or `media/type Message[]`: what a HttpBody holds. */
  readonly body: string | undefined;
};

const ERROR_LINE = /^([A-Z_]+) ([A-Z_0-9]+): (.+)$/;

/** The comment as paragraphs: lines joined, blank lines kept. */
export function commentOf(desc: Exclude<AnyDesc, DescFile>): string {
  return paragraphs(linesOf(desc));
}

/**
 * Splits a method's comment into its parts.
 * @throws Error when a line below `Errors:` is not `STATUS REASON: when`
 */
export function methodComment(method: DescMethod): MethodComment {
  const prose: string[] = [];
  const errors: ErrorLine[] = [];
  let body: string | undefined;
  let isInErrors = false;
  for (const line of linesOf(method)) {
    if (line === 'Errors:') {
      isInErrors = true;
    } else if (isInErrors && line.startsWith('  ')) {
      errors.push(errorLine(method, line.trim()));
    } else if (line.startsWith('Body: ')) {
      isInErrors = false;
      body = line.slice('Body: '.length);
    } else {
      isInErrors = false;
      prose.push(line.startsWith('Source: ') ? `\n${line}` : line);
    }
  }
  const text = paragraphs(prose.join('\n').split('\n'));
  return { summary: firstSentence(text), description: text, errors, body };
}

function linesOf(desc: Exclude<AnyDesc, DescFile>): string[] {
  return (getComments(desc).leading ?? '')
    .split('\n')
    .map((line) => line.replace(/^ /, '').trimEnd())
    .filter((line) => !line.startsWith('buf:lint:ignore'));
}

function errorLine(method: DescMethod, line: string): ErrorLine {
  const [, status, reason, when] = ERROR_LINE.exec(line) ?? [];
  if (status === undefined || reason === undefined || when === undefined) {
    throw new Error(`${method.name}: "${line}" below Errors: is not "STATUS REASON: when"`);
  }
  return { status, reason, when };
}

function paragraphs(lines: readonly string[]): string {
  return lines
    .join('\n')
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s*\n\s*/g, ' '))
    .join('\n\n');
}

function firstSentence(text: string): string {
  const end = /[.](\s|$)|: (?=[a-z])|; /.exec(text);
  return end === null ? text : text.slice(0, end.index);
}
