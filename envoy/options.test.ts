import { describe, expect, it } from '@jest/globals';
import { readOptions } from './options.ts';

describe('options of an edge', () => {
  it('expose nothing unless somebody says so', () => {
    expect(readOptions([], {}).edge).toMatchObject({
      listen: { host: '127.0.0.1', port: 3001 },
      admin: { host: '127.0.0.1' },
      metrics: undefined,
      corsOrigins: [],
      isProduction: true,
      trustedHops: 0,
    });
  });

  it('share the settings of the service', () => {
    const environment = {
      NODE_ENV: 'development',
      METRICS_ENABLED: 'true',
      CORS_ORIGINS: 'http://localhost:3000, http://localhost:8081',
    };
    expect(
      readOptions(['--grpc-host', 'auth', '--metrics-port', '9465'], environment).edge,
    ).toMatchObject({
      isProduction: false,
      metrics: { host: 'auth', port: 9465 },
      corsOrigins: ['http://localhost:3000', 'http://localhost:8081'],
    });
  });

  it('name every replica', () => {
    const args = ['--grpc-port', '50051', '--replica', 'auth-2:50052', '--replica', '[::1]:50053'];
    expect(readOptions(args, {}).edge.replicas).toEqual([
      { host: '127.0.0.1', port: 50051 },
      { host: 'auth-2', port: 50052 },
      { host: '::1', port: 50053 },
    ]);
  });

  it.each([
    [['--rest-port', '70000'], '--rest-port'],
    [['--trusted-hops', '-1'], '--trusted-hops'],
    [['--replica', 'auth'], '--replica'],
    [['--unknown'], '--unknown'],
  ])('refuse %j by name', (args, name) => {
    expect(() => readOptions(args, {})).toThrow(name);
  });
});
