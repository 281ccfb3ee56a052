/** The REST routes of a method, from google.api.http. */
import type { DescField, DescMethod } from '@bufbuild/protobuf';
import { getOption, hasOption } from '@bufbuild/protobuf';
import { http } from '../../gen/google/api/annotations_pb.ts';
import type { HttpRule } from '../../gen/google/api/http_pb.ts';

export type Verb = 'get' | 'post' | 'put' | 'delete' | 'patch';

export type Route = {
  readonly verb: Verb;
  /** As OpenAPI writes it: variables by their JSON names. */
  readonly path: string;
  readonly pathFields: readonly DescField[];
  /** Fields that travel in the query; none when the whole message is the body. */
  readonly queryFields: readonly DescField[];
  /** `message`: the whole request is the body; a field: that field is; undefined: no body. */
  readonly body: 'message' | DescField | undefined;
};

const VARIABLE = /\{([a-z0-9_]+)(=[^}]*)?\}/g;

/**
 * Every route of the method, the main one first; none for an internal method.
 * @throws Error for a rule that the transcoder could not carry out as written
 */
export function routesOf(method: DescMethod): Route[] {
  if (!hasOption(method, http)) return [];
  const main = getOption(method, http);
  const rules = [main, ...main.additionalBindings];
  const names = new Set(rules.flatMap((rule) => variablesOf(pathOf(method, rule).path)));
  return rules.map((rule) => toRoute(method, rule, names));
}

function toRoute(method: DescMethod, rule: HttpRule, namesInPaths: ReadonlySet<string>): Route {
  const { verb, path } = pathOf(method, rule);
  const pathFields = variablesOf(path).map((name) => fieldNamed(method, name));
  const body = bodyOf(method, rule);
  if (body === 'message' && pathFields.length > 0) {
    // The transcoder lets body fields overwrite path variables: POST /device/A with {"id":"B"} acts on B.
    throw new Error(`${method.name}: a body of "*" beside a path variable; name a sub-message`);
  }
  const queryFields =
    body === 'message'
      ? []
      : method.input.fields.filter((field) => field !== body && !namesInPaths.has(field.name));
  const jsonPath = path.replace(
    VARIABLE,
    (_, name: string) => `{${fieldNamed(method, name).jsonName}}`,
  );
  return { verb, path: jsonPath, pathFields, queryFields, body };
}

function pathOf(method: DescMethod, rule: HttpRule): { verb: Verb; path: string } {
  const { pattern } = rule;
  if (pattern.case === undefined || pattern.case === 'custom') {
    throw new Error(`${method.name}: google.api.http without an ordinary verb`);
  }
  return { verb: pattern.case, path: pattern.value };
}

function bodyOf(method: DescMethod, rule: HttpRule): Route['body'] {
  if (rule.body === '') return undefined;
  return rule.body === '*' ? 'message' : fieldNamed(method, rule.body);
}

function variablesOf(path: string): string[] {
  return [...path.matchAll(VARIABLE)].map(([, name]) => name ?? '');
}

function fieldNamed(method: DescMethod, name: string): DescField {
  const field = method.input.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new Error(`${method.name}: the request has no field ${name}`);
  return field;
}
