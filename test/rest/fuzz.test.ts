import { getOption, toJsonString } from '@bufbuild/protobuf';
import type { DescMessage, DescMethod } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { http } from '../../gen/google/api/annotations_pb.ts';
import { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { DeviceService } from '../../gen/whispr/device/v1/device_service_pb.ts';
import { KeyDirectoryService } from '../../gen/whispr/keys/v1/key_directory_service_pb.ts';
import { OpsService } from '../../gen/whispr/ops/v1/ops_service_pb.ts';
import { livePerson } from '../support/live-value.ts';
import { requestMessages } from '../support/random-message.ts';
import { newClient, startRest } from './rest.ts';
import type { Rest } from './rest.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 25);
/** 501: the route belongs to a later version. */
const ALLOWED = new Set([200, 400, 401, 403, 404, 405, 409, 413, 429, 501]);
const ROUTES = [AuthService, DeviceService, KeyDirectoryService, OpsService].flatMap((service) =>
  service.methods.flatMap(routesOf),
);

let rest: Rest;

beforeAll(async () => {
  rest = await startRest();
});
afterAll(() => rest.stop());

describe('random paths, queries and JSON', () => {
  test.each(ROUTES)(
    'to %s %s never get a 5xx answer, and every refusal has a sentence and a reason',
    async (method, path, { input, body, isStream }) => {
      const { accessToken, values } = await livePerson(rest.app, input);
      // A stream that is found stays open; tests of its own read it.
      const live = isStream ? [] : values;
      const headers = {
        authorization: `Bearer ${accessToken}`,
        'content-type': 'application/json',
      };
      const property = fc.asyncProperty(
        filled(path, live),
        bodies(body, live),
        async (target, text) => {
          const hasBody = method !== 'GET' && method !== 'DELETE';
          const wish = { method, path: target, headers, from: newClient() };
          const answer = await rest.send(hasBody ? { ...wish, text } : wish);
          expect(ALLOWED).toContain(answer.status);
          if (answer.status === 200) return;
          expect(answer.json).toMatchObject({
            code: expect.any(Number),
            message: expect.any(String),
          });
          expect(answer.text).toMatch(/"reason":\s?"[A-Z_]+"/);
        },
      );
      await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
    },
    60_000,
  );

  test('never reached the defect log', () => {
    expect(rest.app.logs.filter((line) => line.includes('rpc.defect'))).toEqual([]);
  });
});

interface Bound {
  readonly input: DescMessage;
  /** What the JSON of a request stands for; nothing where it is no message. */
  readonly body: DescMessage | undefined;
  readonly isStream: boolean;
}

function routesOf(method: DescMethod): [string, string, Bound][] {
  const rule = getOption(method, http);
  const { input } = method;
  const isStream = method.methodKind === 'server_streaming';
  return [rule, ...rule.additionalBindings].flatMap(({ pattern, body }) => {
    const { case: verb, value } = pattern;
    if (verb === undefined || verb === 'custom') return [];
    const field = input.fields.find(({ name }) => name === body);
    const message = body === '*' ? input : field?.message;
    const isRaw = message?.typeName === 'google.api.HttpBody';
    return [[verb.toUpperCase(), value, { input, body: isRaw ? undefined : message, isStream }]];
  });
}

/** The path with something in each of its variables, and a query that nobody asked for. */
function filled(path: string, live: readonly string[]): fc.Arbitrary<string> {
  const parts = path.split(/\{[^}]*\}/);
  const values = fc.array(pathValue(live), { minLength: parts.length, maxLength: parts.length });
  const query = fc.constantFrom(
    '',
    '?page_size=abc',
    '?pageSize=-1',
    '?unknown=1',
    '?page_token=%00',
  );
  return fc.tuple(values, query).map(([given, suffix]) => {
    const joined = parts.map(
      (part, index) => part + (index < parts.length - 1 ? (given[index] ?? '') : ''),
    );
    return joined.join('') + suffix;
  });
}

function pathValue(live: readonly string[]): fc.Arbitrary<string> {
  const fixed = [
    '%ff',
    '%2F',
    '..',
    '%00',
    'a',
    '6f2b1c1e-8f0a-4b68-9d9e-1f7d5a3b2c10',
    '%E2%80%AE',
  ];
  return fc.oneof(
    fc.constantFrom(...fixed, ...live.map(encodeURIComponent)),
    fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).map(encodeURIComponent),
  );
}

/** The request's own JSON, JSON of any shape under names that some request has, and no JSON at all. */
function bodies(desc: DescMessage | undefined, live: readonly string[]): fc.Arbitrary<string> {
  const names = ['phoneNumber', 'verificationId', 'code', 'deviceId', 'token', 'refreshToken'];
  const keys = [...names, 'signalKeyBundle', 'preKeys', 'keyId', 'identityKey', 'challenge'];
  const own = desc && requestMessages(desc, live).map((message) => toJsonString(desc, message));
  const value = fc.jsonValue({ maxDepth: 3 });
  const object = fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 6 });
  return fc.oneof(
    object.map((body) => JSON.stringify(body)),
    value.map((body) => JSON.stringify(body)),
    fc.string(),
    ...(own ? [own, own] : []),
  );
}
