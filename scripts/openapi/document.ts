/** The whole OpenAPI document. */
import type { DescEnum, DescMessage, DescService, FileRegistry } from '@bufbuild/protobuf';
import { commentOf } from './comment.ts';
import { errorExamples, errorSchema, readReasons } from './error.ts';
import type { JsonObject } from './json.ts';
import type { Context } from './operation.ts';
import { operationOf } from './operation.ts';
import type { Route } from './route.ts';
import { routesOf } from './route.ts';
import type { Role } from './schema.ts';
import { enumSchema, messageSchema, referencesOf, schemaName } from './schema.ts';

const DESCRIPTION = [
  'Identity, devices and public keys of an end-to-end encrypted messenger.',
  'Unknown fields are ignored; both camelCase and snake_case names are read. Bytes are standard padded',
  'base64, 64-bit numbers are strings, times are RFC 3339. Every answer other than 2xx has a JSON body',
  'with `code`, `message` and `details`; decide by the `reason` of its ErrorInfo.',
].join(' ');

/**
 * Builds the document from every service that has a REST route.
 * @throws Error when a proto cannot be expressed
 */
export function buildDocument(registry: FileRegistry): JsonObject {
  const reasonEnum = registry.getEnum('whispr.auth.v1.ErrorReason');
  if (reasonEnum === undefined) throw new Error('whispr.auth.v1.ErrorReason is missing');
  const roles = new Map<DescMessage, Role>();
  const context: Context = {
    registry,
    reasons: readReasons(reasonEnum),
    use: (message, role) => note(roles, message, role),
  };
  const services = servicesOf(registry);
  const paths = pathsOf(context, services);
  return {
    openapi: '3.1.0',
    info: { title: 'Whispr authentication', version: '1', description: DESCRIPTION },
    servers: [{ url: '/', description: 'The edge that served this page.' }],
    tags: services.map((service) => ({ name: service.name, description: commentOf(service) })),
    paths,
    components: {
      securitySchemes: { bearer: bearerScheme() },
      schemas: { Error: errorSchema(context.reasons), ...schemasOf(roles) },
      examples: errorExamples(context.reasons),
    },
  };
}

function bearerScheme(): JsonObject {
  return {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'The `accessToken` of Register, Login, RefreshTokens, VerifyTwoFactor or CompleteLink.',
  };
}

function servicesOf(registry: FileRegistry): DescService[] {
  return [...registry.files]
    .flatMap((file) => file.services)
    .filter((service) => service.methods.some((method) => routesOf(method).length > 0))
    .sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
}

function pathsOf(context: Context, services: readonly DescService[]): JsonObject {
  const paths = new Map<string, JsonObject>();
  for (const method of services.flatMap((service) => service.methods)) {
    routesOf(method).forEach((route: Route, index) => {
      const item = paths.get(route.path) ?? {};
      if (item[route.verb] !== undefined) {
        throw new Error(`${method.name}: ${route.verb} ${route.path} belongs to another method`);
      }
      item[route.verb] = operationOf(context, method, { route, index });
      paths.set(route.path, item);
    });
  }
  return Object.fromEntries(paths);
}

/** A message that travels both ways gets the schema of requests, which promises less. */
function note(roles: Map<DescMessage, Role>, message: DescMessage, role: Role): void {
  const known = roles.get(message);
  if (known === 'request' || known === role) return;
  roles.set(message, role);
  for (const target of referencesOf(message)) {
    if (target.kind === 'message') note(roles, target, role);
  }
}

function schemasOf(roles: ReadonlyMap<DescMessage, Role>): JsonObject {
  const enums = new Set<DescEnum>();
  const schemas: [string, JsonObject][] = [];
  for (const [message, role] of roles) {
    schemas.push([schemaName(message), messageSchema(message, role)]);
    for (const target of referencesOf(message)) if (target.kind === 'enum') enums.add(target);
  }
  for (const desc of enums) schemas.push([schemaName(desc), enumSchema(desc)]);
  return Object.fromEntries(schemas.sort(([a], [b]) => (a < b ? -1 : 1)));
}
