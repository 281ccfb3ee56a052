import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config.ts';
import { freePort } from '../process/port.ts';
import { serviceEnvironment } from './environment.ts';
import { hints } from './hints.ts';
import { publicPort } from './ports.ts';

const PORTS = {
  rest: 4001,
  grpc: 4051,
  metrics: 4464,
  inbox: 4002,
  postgres: 40_001,
  valkey: 40_002,
  envoyAdmin: 40_003,
};
const KEY = Buffer.alloc(32, 7).toString('base64');
const SECRETS = {
  superuserPassword: 's',
  ownerPassword: 'o',
  appPassword: 'a',
  redisPassword: 'r',
  keyEncryptionKey: KEY,
  codePepper: KEY,
};

describe('the local stack', () => {
  test('gives the service a complete configuration for development', () => {
    const config = loadConfig(serviceEnvironment(PORTS, SECRETS));

    expect(config).toMatchObject({
      nodeEnv: 'development',
      grpcPort: PORTS.grpc,
      dbPort: PORTS.postgres,
      dbUsername: 'auth_app',
      dbMigrationsRun: true,
      dbMigrationUsername: 'auth_owner',
      redisPort: PORTS.valkey,
      smsProviders: [{ name: 'inbox', weight: 0 }],
      smsInboxUrl: `http://127.0.0.1:${PORTS.inbox}`,
    });
  });

  test('never lets the caller’s shell choose another store', () => {
    process.env['DB_HOST'] = 'production.example';
    try {
      expect(serviceEnvironment(PORTS, SECRETS)['DB_HOST']).toBe('127.0.0.1');
    } finally {
      delete process.env['DB_HOST'];
    }
  });

  test('lets the caller’s shell set anything else', () => {
    process.env['REVEAL_ACCOUNT_EXISTENCE'] = 'true';
    try {
      expect(loadConfig(serviceEnvironment(PORTS, SECRETS)).revealAccountExistence).toBe(true);
    } finally {
      delete process.env['REVEAL_ACCOUNT_EXISTENCE'];
    }
  });

  test('names the ports that it uses in what to try next', () => {
    const text = hints(PORTS);

    expect(text).toContain('http://localhost:4001/auth/swagger');
    expect(text).toContain('http://localhost:4002/messages?to=+33612345678');
    expect(text).toContain('http://localhost:4051/whispr.auth.v1.AuthService');
  });
});

describe('a public port', () => {
  test('comes from its setting', async () => {
    const port = await freePort();

    expect(await publicPort('rest', { REST_PORT: String(port) })).toBe(port);
  });

  test.each(['x', '0', '65536', '-1', '3001 '])('cannot be %j', async (text) => {
    await expect(publicPort('inbox', { INBOX_PORT: text })).rejects.toThrow(/INBOX_PORT must be/);
  });

  test('that is taken is refused by number and setting', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;

    await expect(publicPort('grpc', { GRPC_PORT: String(port) })).rejects.toThrow(
      new RegExp(`Port ${port} \\(gRPC\\) is taken .* GRPC_PORT=\\d+ npm start`),
    );
    server.close();
    await once(server, 'close');
  });
});
