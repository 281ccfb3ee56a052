import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, startFragileApp } from '../support/private-stores.ts';
import type { FragileApp } from '../support/private-stores.ts';
import { DeployedApp, fieldOf, reasonOf } from './deployed-app.ts';
import { expectGolden } from './golden.ts';
import type { Answer } from './request.ts';
import { putBehindEdge, startRest } from './rest.ts';
import type { Rest } from './rest.ts';

describe('routes for operators and siblings', () => {
  let rest: Rest;

  beforeAll(async () => {
    rest = await startRest();
  });

  afterAll(async () => {
    await rest.stop();
  });

  const get = (path: string) => rest.send({ method: 'GET', path });

  it('says that it is ready, with each store by name, and alive', async () => {
    expectGolden('health/ready', await get('/auth/v1/health/ready'));
    expectGolden('health/live', await get('/auth/v1/health/live'));
  });

  it('serves the key set with a cache time, an etag and the active key first', async () => {
    const answer = await get('/auth/.well-known/jwks.json');
    expectGolden('jwks', answer);
    expect(answer.headers['etag']).toMatch(/^"[\w-]+"$/);
  });

  it('serves Swagger UI from its own files, under a policy that loads nothing else', async () => {
    const page = await get('/auth/swagger');
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '');
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) {
      expect(link).toMatch(/^\/auth\/swagger\//);
      expect((await get(link)).status).toBe(200);
    }
  });

  it('passes the 1.7 MB script of Swagger UI whole', async () => {
    const { headers, text } = await get('/auth/swagger/swagger-ui-bundle.js');
    expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(text.length).toBeGreaterThan(1_000_000);
    expect(text).not.toContain('data: {');
  });

  it('serves the OpenAPI document with every route of it', async () => {
    const { json } = await get('/auth/swagger/openapi.json');
    expect(fieldOf(fieldOf(json, 'paths'), '/auth/v1/register')).toBeDefined();
  });

  it('serves metrics where they are enabled', async () => {
    const { status, headers, text } = await get('/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('text/plain');
    expect(text).toContain('process_cpu_user_seconds_total');
  });

  it('serves neither metrics nor documentation where they are off', async () => {
    const off = await startRest({ METRICS_ENABLED: 'false', SWAGGER_ENABLED: 'false' });
    try {
      const metrics = await off.send({ method: 'GET', path: '/metrics' });
      expect([metrics.status, reasonOf(metrics)]).toEqual([404, 'METHOD_UNKNOWN']);
      const swagger = await off.send({ method: 'GET', path: '/auth/swagger' });
      expect([swagger.status, reasonOf(swagger)]).toEqual([404, 'ASSET_NOT_FOUND']);
    } finally {
      await off.stop();
    }
  });
});

describe('while a store is away', () => {
  let app: FragileApp;
  let rest: Rest;
  let ready: () => Promise<Answer>;

  beforeAll(async () => {
    app = await startFragileApp();
    rest = await putBehindEdge(app);
    ready = () => rest.send({ method: 'GET', path: '/auth/v1/health/ready' });
  });

  afterAll(async () => {
    await rest.stop();
  });

  it('is degraded without Redis, still with 200, and sends no codes', async () => {
    await app.valkey.stop();
    const answer = await eventually(ready, ({ json }) => fieldOf(json, 'status') === 'degraded');
    expectGolden('health/degraded', answer);
    expectGolden('error/STORE_UNAVAILABLE', await new DeployedApp(rest).request('register'));
    await app.valkey.start();
    await eventually(ready, ({ json }) => fieldOf(json, 'status') === 'ready');
  });

  it('is not ready without PostgreSQL and names it; key set and liveness stay', async () => {
    await app.postgres.stop();
    const answer = await eventually(ready, ({ status }) => status === 503);
    expectGolden('health/not-ready', answer);
    // Long enough for the edge to have noticed that no replica is ready.
    await eventually(healthOfReplica, (text) => text.includes('/failed_active_hc'));
    const keys = await rest.send({ method: 'GET', path: '/auth/.well-known/jwks.json' });
    expect(keys.status).toBe(200);
    const live = await rest.send({ method: 'GET', path: '/auth/v1/health/live' });
    expect(live.status).toBe(200);
    expectGolden('health/not-ready', await ready());
    await app.postgres.start();
    await eventually(ready, ({ status }) => status === 200);
  });

  async function healthOfReplica(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${rest.edge.adminPort}/clusters`);
    const lines = (await response.text()).split('\n');
    return lines.find((line) => line.startsWith('auth::') && line.includes('health_flags')) ?? '';
  }
});
