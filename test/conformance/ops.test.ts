import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { create, isMessage } from '@bufbuild/protobuf';
import type { Message } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import type { HandlerContext } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { ErrorInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import {
  GetReadinessRequestSchema,
  GetSwaggerRequestSchema,
  OpsService,
} from '../../gen/whispr/ops/v1/ops_service_pb.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createHealthSlice } from '../../src/rpc/health-rpc.ts';
import { HealthMonitor } from '../../src/rpc/health.ts';
import { createSwaggerSlice } from '../../src/rpc/swagger.ts';
import { openEdge } from './edge.ts';
import type { Edge } from './edge.ts';

let edge: Edge;
beforeAll(async () => {
  edge = await openEdge('grpc-js');
});
afterAll(() => edge.stop());

function client() {
  const baseUrl = `http://127.0.0.1:${edge.port}`;
  return createClient(OpsService, createGrpcTransport({ baseUrl }));
}

function serveSwagger(isSwaggerOn: boolean): void {
  const { getSwagger } = createSwaggerSlice({ isSwaggerOn });
  edge.handlers.stream = (request: Message, context: HandlerContext) => {
    if (!isMessage(request, GetSwaggerRequestSchema)) throw new Error('Another request');
    return getSwagger(request, context);
  };
}

async function fetchAsset(asset: string) {
  const chunks: Uint8Array[] = [];
  let contentType = '';
  let header = new Headers();
  const onHeader = (received: Headers) => (header = received);
  for await (const piece of client().getSwagger({ asset }, { onHeader })) {
    contentType ||= piece.contentType;
    chunks.push(piece.data);
  }
  return { contentType, header, chunks, body: Buffer.concat(chunks) };
}

async function reasonOf(call: Promise<unknown>) {
  const error = await call.then(
    () => new ConnectError('was not refused'),
    (thrown: unknown) => ConnectError.from(thrown),
  );
  const [info] = error.findDetails(ErrorInfoSchema);
  return { code: error.code, reason: info?.reason, metadata: info?.metadata };
}

describe('the documentation', () => {
  test('is a page without inline script, and says how long it may be kept', async () => {
    serveSwagger(true);
    const page = await fetchAsset('');
    expect(page.contentType).toBe('text/html; charset=utf-8');
    expect(page.body.toString()).not.toMatch(/<script(?![^>]*src=)/);
    expect(page.header.get('content-security-policy')).toContain("script-src 'self';");
    expect(page.header.get('cache-control')).toMatch(/max-age/);
    expect(page.header.get('etag')).toMatch(/^"[\w-]{22}"$/);
  });

  test('brings everything that its page names, from this installation', async () => {
    serveSwagger(true);
    const page = await fetchAsset('');
    const names = page.body.toString().matchAll(/(?:src|href)="\/auth\/swagger\/([^"]+)"/g);
    for (const [, name = ''] of names)
      expect((await fetchAsset(name)).body.length).toBeGreaterThan(0);
    const init = (await fetchAsset('init.js')).body.toString();
    expect(init).toContain('/auth/swagger/openapi.json');
    const openApi: unknown = JSON.parse((await fetchAsset('openapi.json')).body.toString());
    expect(openApi).toHaveProperty('paths');
  });

  test('sends its bundle whole, in pieces of at most 64 KB', async () => {
    serveSwagger(true);
    const path = createRequire(import.meta.url).resolve('swagger-ui-dist/swagger-ui-bundle.js');
    const { body, chunks } = await fetchAsset('swagger-ui-bundle.js');
    expect(body.equals(readFileSync(path))).toBe(true);
    expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThanOrEqual(65_536);
  });

  test.each(['../../package.json', 'package.json', '__proto__', 'swagger-ui.css.map'])(
    'has no file %s',
    async (name) => {
      serveSwagger(true);
      const refused = await reasonOf(fetchAsset(name));
      expect(refused).toMatchObject({ code: Code.NotFound, reason: 'ASSET_NOT_FOUND' });
    },
  );

  test('has no file at all when it is switched off', async () => {
    serveSwagger(false);
    expect(await reasonOf(fetchAsset(''))).toMatchObject({ reason: 'ASSET_NOT_FOUND' });
  });
});

describe('health over RPC', () => {
  function serveHealth(postgres: () => void, redis: () => void) {
    const health = new HealthMonitor({
      probes: [
        { name: 'postgres', isRequired: true, probe: postgres },
        { name: 'redis', isRequired: false, probe: redis },
      ],
      logger: createLogger('silent'),
      onChange: () => undefined,
    });
    return createHealthSlice({ health });
  }
  const up = () => undefined;
  const down = () => {
    throw new Error('refused');
  };

  test('is degraded, and OK, without Redis', async () => {
    const { getReadiness } = serveHealth(up, down);
    edge.handlers.unary = (_request, context) =>
      getReadiness(create(GetReadinessRequestSchema), context);
    const { status, stores } = await client().getReadiness({});
    expect([status, stores]).toEqual(['degraded', { postgres: 'up', redis: 'down' }]);
  });

  test('is NOT_READY without PostgreSQL, and names the stores', async () => {
    const { getReadiness } = serveHealth(down, up);
    edge.handlers.unary = (_request, context) =>
      getReadiness(create(GetReadinessRequestSchema), context);
    expect(await reasonOf(client().getReadiness({}))).toEqual({
      code: Code.Unavailable,
      reason: 'NOT_READY',
      metadata: { postgres: 'down', redis: 'up' },
    });
  });
});
