import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { AuthService } from '../gen/whispr/auth/v1/auth_service_pb.ts';
import { DeviceService } from '../gen/whispr/device/v1/device_service_pb.ts';
import { KeyDirectoryService } from '../gen/whispr/keys/v1/key_directory_service_pb.ts';
import { OpsService } from '../gen/whispr/ops/v1/ops_service_pb.ts';
import { corsPolicies } from './cors.ts';
import { localReasons } from './local-reply.ts';
import { DESCRIPTOR_FILE, readServices } from './method.ts';
import { routeTable } from './route.ts';
import { namesNotInQuery } from './transcoder.ts';

const SERVED = [AuthService, DeviceService, KeyDirectoryService, OpsService];
const services = readServices();
const cors = corsPolicies(['https://app.example.com']);
const descriptor = { file: DESCRIPTOR_FILE };
const table = routeTable(services, { cors, descriptor, hasMetrics: false });

/** The routes whose match is exactly this path. */
function routesAt(path: string): unknown[] {
  return table.filter((route) => JSON.stringify(route).startsWith(`{"match":{"path":"${path}"}`));
}

describe('the route table is in step with the protos', () => {
  it('serves the services that this service serves, and no other', () => {
    expect(services.names).toEqual(SERVED.map(({ typeName }) => typeName).sort());
  });

  it.each(SERVED.flatMap(({ methods }) => methods).map((method) => [method.name, method] as const))(
    'has one route for %s',
    (name, { parent }) => {
      expect(routesAt(`/${parent.typeName}/${name}`)).toHaveLength(1);
    },
  );

  it('refuses every method for services', () => {
    const hidden = services.methods.filter(({ isForServices }) => isForServices);
    expect(hidden.map(({ path }) => path.split('/').at(-1)).sort()).toEqual([
      'ListKeyVersions',
      'ListRevocations',
      'ListUserDevices',
      'ValidateToken',
      'WatchKeyChanges',
      'WatchRevocations',
    ]);
    for (const { path } of hidden) {
      expect(routesAt(path)).toEqual([{ match: { path }, direct_response: { status: 403 } }]);
    }
  });

  it('lets watches stay open and nothing else', () => {
    const open = table.filter((route) => JSON.stringify(route).includes('"timeout":"0s"'));
    expect(open).toHaveLength(3);
    for (const route of open) {
      expect(route).toMatchObject({ route: { timeout: '0s', idle_timeout: '60s' } });
    }
    expect(routesAt('/whispr.ops.v1.OpsService/GetSwagger')).toMatchObject([
      { route: { timeout: '35s' } },
    ]);
  });

  it('allows 768 KiB where keys are uploaded, by both paths', () => {
    const limit = {
      'envoy.filters.http.buffer': { buffer: { max_request_bytes: 768 * 1024 } },
    };
    for (const path of [
      '/whispr.keys.v1.KeyDirectoryService/UploadOneTimePreKeys',
      '/auth/v1/signal/keys/prekeys',
    ]) {
      expect(routesAt(path)).toMatchObject([{ typed_per_filter_config: limit }]);
    }
    expect(JSON.stringify(routesAt('/whispr.auth.v1.AuthService/Login'))).not.toContain('buffer');
  });

  it('ends with what is refused: gRPC by a 404, everything else by the transcoder', () => {
    expect(table.slice(-2)).toMatchObject([
      { match: { headers: [{ name: 'content-type' }] }, direct_response: { status: 404 } },
      { match: { prefix: '/' }, route: { cluster: 'nowhere' } },
    ]);
  });

  it('ignores every path variable and every field of a body in the query, in both spellings', () => {
    const variables = services.methods
      .flatMap(({ rest }) => rest)
      .flatMap(({ path }) => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? ''));
    expect(new Set(variables).size).toBeGreaterThan(5);
    expect(namesNotInQuery(services)).toEqual(expect.arrayContaining(variables));
    expect(namesNotInQuery(services)).toEqual(
      expect.arrayContaining([
        'device_id',
        'deviceId',
        'challenge',
        'verificationId',
        'refresh_token',
      ]),
    );
  });
});

describe('this folder', () => {
  it('writes no path of the protos itself', () => {
    const files = readdirSync(import.meta.dirname).filter(
      (name) => /\.(ts|yaml)$/.test(name) && !name.endsWith('.test.ts'),
    );
    for (const name of files) {
      const text = readFileSync(new URL(name, import.meta.url), 'utf8');
      expect([name, /\/auth\/|whispr\.\w+\.v1/.exec(text)?.[0]]).toEqual([name, undefined]);
    }
  });

  it('answers with reasons of the service', () => {
    expect(localReasons()).toEqual([
      'CALLER_NOT_ALLOWED',
      'METHOD_UNKNOWN',
      'DEADLINE_PASSED',
      'MESSAGE_TOO_LARGE',
      'RATE_LIMITED',
      'REQUEST_MALFORMED',
      'OVERLOADED',
      'UPSTREAM_UNAVAILABLE',
      'INTERNAL',
    ]);
  });
});

describe('an allow-list of origins', () => {
  it.each(['*', 'https://*.example.com', 'app.example.com', 'https://app.example.com/'])(
    'refuses %s, which is no origin',
    (origin) => {
      expect(() => corsPolicies([origin])).toThrow('is no origin');
    },
  );
});
