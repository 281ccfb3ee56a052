import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

type Node = { readonly [key: string]: unknown };

const file = join(import.meta.dirname, '../../gen/openapi/whispr.openapi.json');
const document: unknown = JSON.parse(readFileSync(file, 'utf8'));
const root = nodeOf(document);
const operations = Object.entries(nodeOf(root['paths'])).flatMap(([path, item]) =>
  Object.entries(nodeOf(item)).map(([verb, operation]) => ({
    name: `${verb} ${path}`,
    path,
    operation: nodeOf(operation),
  })),
);

describe('the committed OpenAPI document', () => {
  test('is OpenAPI 3.1 with a title, a version and a description', () => {
    const info = nodeOf(root['info']);

    expect(root['openapi']).toMatch(/^3\.1\.\d+$/);
    expect([info['title'], info['version'], info['description']].every(isText)).toBe(true);
  });

  test('resolves every reference that it makes', () => {
    const references = everyNode(document).flatMap((node) => node['$ref'] ?? []);

    expect(references.length).toBeGreaterThan(100);
    expect(references.filter((reference) => resolve(reference) === undefined)).toEqual([]);
  });

  test('gives every operation a name of its own', () => {
    const names = operations.map(({ operation }) => operation['operationId']);

    expect(new Set(names).size).toBe(operations.length);
  });

  test('describes every operation, its success and its errors', () => {
    const poor = operations.filter(({ operation }) => {
      const responses = nodeOf(operation['responses']);
      const texts = Object.values(responses).map((response) => nodeOf(response)['description']);
      return (
        ![operation['summary'], operation['description'], ...texts].every(isText) ||
        !('200' in responses && '400' in responses && '500' in responses) ||
        !Object.keys(responses).every((status) => /^[1-5][0-9]{2}$/.test(status))
      );
    });

    expect(poor.map(({ name }) => name)).toEqual([]);
  });

  test('declares exactly the variables of every path', () => {
    const wrong = operations.filter(({ path, operation }) => {
      const variables = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = listOf(operation['parameters'])
        .filter((parameter) => parameter['in'] === 'path' && parameter['required'] === true)
        .map((parameter) => parameter['name']);
      return JSON.stringify(variables) !== JSON.stringify(declared);
    });

    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test('says of every operation who may call it, with a scheme that exists', () => {
    const schemes = Object.keys(nodeOf(nodeOf(root['components'])['securitySchemes']));
    const wrong = operations.filter(
      ({ operation }) =>
        !Array.isArray(operation['security']) ||
        !listOf(operation['security'])
          .flatMap(Object.keys)
          .every((name) => schemes.includes(name)),
    );

    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test('describes every field of every schema and requires only fields that exist', () => {
    const schemas = Object.entries(nodeOf(nodeOf(root['components'])['schemas'])).map(
      ([name, schema]) => ({ name, schema: nodeOf(schema) }),
    );
    const poor = schemas.flatMap(({ name, schema }) => {
      const properties = nodeOf(schema['properties'] ?? {});
      const undescribed = Object.entries(properties)
        .filter(([, property]) => !isText(nodeOf(property)['description']))
        .map(([property]) => `${name}.${property}`);
      const required: unknown = schema['required'] ?? [];
      const names: unknown[] = Array.isArray(required) ? required : [name];
      const unknown = names.filter((key) => typeof key !== 'string' || !(key in properties));
      return [...undescribed, ...unknown, ...(isText(schema['description']) ? [] : [name])];
    });

    expect(poor).toEqual([]);
  });

  test('keeps the names that the deployed app reads', () => {
    const names = (schema: string) => {
      const found = nodeOf(nodeOf(nodeOf(root['components'])['schemas'])[schema]);
      return Object.keys(nodeOf(found['properties']));
    };

    expect(names('auth.v1.ConfirmLoginVerificationResponse')).toContain('requires2FA');
    expect(names('device.v1.LegacyDevice')).toEqual(
      expect.arrayContaining(['id', 'name', 'platform', 'last_active', 'is_current']),
    );
    expect(names('keys.v1.GetDeviceKeyBundleResponse')).toEqual(
      expect.arrayContaining(['identity_key', 'signed_prekey', 'one_time_prekeys']),
    );
    expect(names('keys.v1.GetKeyHealthResponse')).toEqual(
      expect.arrayContaining([
        'needs_replenishment',
        'prekeys_remaining',
        'signed_prekey_age_days',
      ]),
    );
  });
});

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nodeOf(value: unknown): Node {
  if (!isNode(value)) throw new Error(`not an object: ${JSON.stringify(value)}`);
  return value;
}

function listOf(value: unknown): Node[] {
  return Array.isArray(value) ? value.map(nodeOf) : [];
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '';
}

function everyNode(value: unknown): Node[] {
  if (Array.isArray(value)) return value.flatMap(everyNode);
  return isNode(value) ? [value, ...Object.values(value).flatMap(everyNode)] : [];
}

function resolve(reference: unknown): unknown {
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return undefined;
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((node, key) => (isNode(node) ? node[key] : undefined), document);
}
