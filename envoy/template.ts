import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** What a configuration file consists of. */
export type Tree = string | number | boolean | null | Tree[] | { [name: string]: Tree };

/** Values by the name of their place; an absent one removes its place from the list or object around. */
export type Values = Readonly<Record<string, Tree | undefined>>;

const PLACE = /^\$\{(\w+)\}$/;

/**
 * A YAML file of this folder with its places filled.
 * @throws Error when a place has no value or a value has no place
 */
export function fillTemplate(file: string, values: Values): { [name: string]: Tree } {
  const left = new Set(Object.keys(values));
  const parsed: unknown = parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
  const filled = fill(parsed, (name) => {
    if (!(name in values)) throw new Error(`${file}: nothing is known of \${${name}}`);
    left.delete(name);
    return values[name];
  });
  if (left.size > 0) throw new Error(`${file} has no place for ${[...left].join(', ')}`);
  if (!isObject(filled)) throw new Error(`${file} is no object`);
  return filled;
}

function fill(node: unknown, valueOf: (name: string) => Tree | undefined): Tree | undefined {
  if (typeof node === 'string') {
    const name = PLACE.exec(node)?.[1];
    return name === undefined ? node : valueOf(name);
  }
  if (Array.isArray(node)) {
    return node.map((item) => fill(item, valueOf)).filter((item) => item !== undefined);
  }
  if (typeof node === 'object' && node !== null) {
    const filled: { [name: string]: Tree } = {};
    for (const [key, item] of Object.entries(node)) {
      const value = fill(item, valueOf);
      if (value !== undefined) filled[key] = value;
    }
    return filled;
  }
  if (typeof node === 'number' || typeof node === 'boolean' || node === null) return node;
  throw new Error(`A configuration cannot hold ${typeof node}`);
}

function isObject(tree: Tree | undefined): tree is { [name: string]: Tree } {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree);
}
