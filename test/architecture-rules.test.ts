import { describe, expect, test } from '@jest/globals';
import { BAD, GOOD } from './architecture/snippets.ts';
import { judge } from './architecture/rule.ts';
import { RULES } from './architecture/rules.ts';
import { sourceOf } from './architecture/source.ts';

function problemsOf(name: string, files: Readonly<Record<string, string>>): readonly string[] {
  const rule = RULES[name];
  if (!rule) throw new Error(`There is no rule '${name}'`);
  const sources = Object.entries(files).map(([path, text]) => sourceOf(path, text));
  return judge([name, rule], sources, []).violations;
}

describe('the rules about the source tree', () => {
  test.each(BAD)('$rule: a file that $does is found', ({ rule, files, found }) => {
    expect(problemsOf(rule, files)).toEqual(found);
  });

  test.each(GOOD)('$rule: a file that $does is left alone', ({ rule, files }) => {
    expect(problemsOf(rule, files)).toEqual([]);
  });

  test('each find something in a bad example', () => {
    const tried = new Set(BAD.map(({ rule }) => rule));

    expect(Object.keys(RULES).filter((name) => !tried.has(name))).toEqual([]);
  });

  test('forgive what is listed with a reason, and nothing else in that file', () => {
    const sources = [
      sourceOf('src/phone/a.ts', "const a = process.env['A'];\nprocess.exit(1);\n"),
      sourceOf('src/phone/b.ts', 'process.exit(1);\n'),
    ];
    const rule = RULES['only main.ts touches the process'];
    const listed = { rule: 'r', path: 'src/phone/a.ts', about: 'exit', reason: 'a trial' };

    const { violations } = judge(['r', rule ?? (() => [])], sources, [listed]);

    expect(violations).toEqual(['src/phone/b.ts:1 touches process.exit']);
  });

  test('report an exception that excuses nothing any more', () => {
    const stale = { rule: 'r', path: 'src/gone.ts', reason: 'a trial' };

    expect(judge(['r', () => []], [], [stale]).unused).toEqual([stale]);
  });
});
