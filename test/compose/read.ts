import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';

/** YAML as it comes: objects, lists and scalars. */
export type Yaml = string | number | boolean | null | Yaml[] | { [key: string]: Yaml };
export type YamlMap = Record<string, Yaml>;

/** One compose file with its variables filled in. */
export interface Compose {
  readonly folder: string;
  readonly document: YamlMap;
  readonly services: readonly (readonly [name: string, service: YamlMap])[];
}

const VARIABLE = /\$(\$|\{(\w+)(?:(:-|:\?)([^}]*))?\})/g;

/** Reads a compose file the way Docker Compose does. @throws naming a required variable without a value */
export function readCompose(file: string, variables: Readonly<Record<string, string>>): Compose {
  const parsed: unknown = parse(readFileSync(file, 'utf8'), { merge: true });
  const document = isYaml(parsed) ? mapOf(parsed) : {};
  const filled = mapOf(fill(document, variables));
  const services = Object.entries(mapOf(filled['services'])).map(
    ([name, service]) => [name, mapOf(service)] as const,
  );
  return { folder: dirname(file), document: filled, services };
}

/** Every variable that a file mentions, with what happens without a value. */
export function variablesOf(file: string): { name: string; kind: string; otherwise: string }[] {
  return [...readFileSync(file, 'utf8').matchAll(VARIABLE)].flatMap(
    ([, , name, kind = 'none', otherwise = '']) =>
      name === undefined ? [] : [{ name, kind, otherwise }],
  );
}

/** Reads a file of `NAME=value` lines. */
export function readEnvFile(file: string): Record<string, string> {
  const lines = readFileSync(file, 'utf8').split('\n');
  const assignments = lines.filter((line) => /^\w+=/.test(line));
  return Object.fromEntries(
    assignments.map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1).trim()];
    }),
  );
}

/** What the container of a service finds in its environment. */
export function environmentOf(
  service: YamlMap,
  envFile: Readonly<Record<string, string>>,
): Record<string, string> {
  const own = Object.entries(mapOf(service['environment'] ?? {}));
  const given = service['env_file'] === undefined ? {} : envFile;
  return { ...given, ...Object.fromEntries(own.map(([name, value]) => [name, textOf(value)])) };
}

/** The build stages of a Dockerfile. */
export function stagesOf(dockerfile: string): string[] {
  if (!existsSync(dockerfile)) {
    return [];
  }
  const stages = readFileSync(dockerfile, 'utf8').matchAll(/^FROM \S+ AS (\S+)$/gm);
  return [...stages].map(([, stage = '']) => stage);
}

export function mapOf(value: Yaml | undefined): YamlMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

/** A scalar as the text that it stands for; anything else as JSON, for an error message. */
export function textOf(value: Yaml | undefined): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export function textsOf(value: Yaml | undefined): string[] {
  return Array.isArray(value) ? value.map(textOf) : [];
}

export function pathFrom(compose: Compose, path: string): string {
  return join(compose.folder, path);
}

/** What a YAML parser can return (timestamps and binaries are off by default). */
function isYaml(value: unknown): value is Yaml {
  return value !== undefined;
}

function fill(value: Yaml, variables: Readonly<Record<string, string>>): Yaml {
  if (typeof value === 'string') {
    return fillText(value, variables);
  }
  if (Array.isArray(value)) {
    return value.map((entry) => fill(entry, variables));
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    return Object.fromEntries(entries.map(([key, entry]) => [key, fill(entry, variables)]));
  }
  return value;
}

function fillText(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(VARIABLE, (...match: (string | undefined)[]) => {
    const [, whole, name = '', kind, otherwise = ''] = match;
    if (whole === '$') {
      return '$';
    }
    const value = variables[name] ?? '';
    if (value === '' && kind === ':?') {
      throw new Error(`${name} ${otherwise}`);
    }
    return value === '' ? otherwise : value;
  });
}
