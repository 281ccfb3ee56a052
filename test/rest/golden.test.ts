import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ErrorReasonSchema } from '../../gen/whispr/auth/v1/error_reason_pb.ts';
import { fieldOf, reasonOf } from './deployed-app.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const REASONS = ErrorReasonSchema.values.map(({ localName }) => localName).slice(1);

/** Reasons that src/ names and no REST client can be answered with here, and why. */
const NOT_OVER_REST: Readonly<Record<string, string>> = {
  CALLER_NOT_ALLOWED: 'only methods without a route are for services',
  CALL_CANCELLED: 'nobody is there to read it',
  CURSOR_INVALID: 'only streams for services have cursors',
  CURSOR_TOO_OLD: 'only streams for services have cursors',
  DEADLINE_PASSED: 'the deadline is a gRPC caller’s; over REST the edge answers',
  INTERNAL: 'a defect: nothing that a client sends may cause it',
  SHUTTING_DOWN: 'ends a stream whose 200 is sent already',
};

interface Golden {
  readonly name: string;
  readonly answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
}

const GOLDENS = globSync('test/golden/rest/**/*.json', { cwd: ROOT }).map(readGolden);
const REFUSALS = GOLDENS.filter(({ answer }) => answer.status >= 400);

describe('golden answers', () => {
  it('exist for every reason that the service has and a REST client can meet', () => {
    const shown = new Set(REFUSALS.map(reasonIn));
    const missing = namedInSource().filter((reason) => !shown.has(reason));
    expect(missing.sort()).toEqual(Object.keys(NOT_OVER_REST).sort());
  });

  it('are all compared with an answer by some test', () => {
    const tests = globSync('test/rest/*.test.ts', { cwd: ROOT }).map(readText).join('\n');
    const unused = GOLDENS.filter(({ name }) => !tests.includes(`'${name}'`))
      .filter(({ name }) => !/^(edge|reveal|health)\//.test(name))
      .filter(({ name }) => !tests.includes(`expectError('${basename(name)}'`));
    expect(unused.map(({ name }) => name)).toEqual([]);
  });

  it('of an error are named after its reason', () => {
    const named = REFUSALS.filter(({ name }) => name.startsWith('error/'));
    expect(named.map((golden) => `error/${String(reasonIn(golden))}`)).toEqual(
      named.map(({ name }) => name),
    );
  });
});

describe('what every refusal over REST has', () => {
  it('a plain sentence for whoever uses the app', () => {
    const others = REFUSALS.filter(
      ({ answer }) => !/^[A-Z].*\.$/.test(String(fieldOf(answer.body, 'message'))),
    );
    expect(others.map(({ name }) => name)).toEqual([]);
  });

  it('when to come back, in a header and a detail, for 429 and 503', () => {
    const later = REFUSALS.filter(({ answer }) => [429, 503].includes(answer.status));
    const others = later.filter(
      (golden) => !golden.answer.headers['retry-after'] || !has(golden, 'RetryInfo'),
    );
    expect(later.length).toBeGreaterThanOrEqual(5);
    expect(others.map(({ name }) => name)).toEqual([]);
  });

  it('how to sign in, for 401', () => {
    const unauthenticated = REFUSALS.filter(({ answer }) => answer.status === 401);
    const others = unauthenticated.filter(({ answer }) => !answer.headers['www-authenticate']);
    expect(others.map(({ name }) => name)).toEqual([]);
  });

  it('the field, where a value was refused', () => {
    const unreadable = new Set(['REQUEST_MALFORMED', 'MESSAGE_TOO_LARGE']);
    const refused = REFUSALS.filter(
      (golden) =>
        fieldOf(golden.answer.body, 'code') === 3 && !unreadable.has(String(reasonIn(golden))),
    );
    const others = refused.filter((golden) => !has(golden, 'BadRequest'));
    expect(others.map(({ name }) => name)).toEqual([]);
  });

  it('no status that blames the service, unless a store or a message is out of reach', () => {
    const blamed = REFUSALS.filter(({ answer }) => answer.status >= 500).map(reasonIn);
    expect([...new Set(blamed)].sort()).toEqual([
      'METHOD_UNKNOWN',
      'NOT_READY',
      'OVERLOADED',
      'SMS_UNAVAILABLE',
      'STORE_UNAVAILABLE',
      'UPSTREAM_UNAVAILABLE',
    ]);
  });
});

it('answers over REST are kept by no cache, but for the public keys', () => {
  const kept = GOLDENS.filter(({ answer }) => answer.headers['cache-control'] !== 'no-store');
  expect(kept.map(({ name }) => name)).toEqual(['jwks']);
});

function readGolden(path: string): Golden {
  const json: unknown = JSON.parse(readText(path));
  const headers = fieldOf(json, 'headers');
  const all = typeof headers === 'object' && headers !== null ? Object.keys(headers) : [];
  return {
    name: path.replace('test/golden/rest/', '').replace('.json', ''),
    answer: {
      status: Number(fieldOf(json, 'status')),
      headers: Object.fromEntries(all.map((name) => [name, String(fieldOf(headers, name))])),
      body: fieldOf(json, 'body'),
    },
  };
}

function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function reasonIn({ answer }: Golden): unknown {
  return reasonOf({ ...answer, text: '', json: answer.body });
}

function has({ answer }: Golden, detail: string): boolean {
  return JSON.stringify(answer.body).includes(`google.rpc.${detail}"`);
}

/** Every reason that stands in the source as a text; the table of all of them is no use of one. */
function namedInSource(): string[] {
  const files = globSync('src/**/*.ts', { cwd: ROOT, exclude: ['src/**/*.test.ts'] });
  const source = files.map(readText).join('\n');
  return REASONS.filter((reason) => source.includes(`'${reason}'`));
}
