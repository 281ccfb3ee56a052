import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end, patiently, sendSignal } from '../../scripts/process/end.ts';
import { freePort } from '../../scripts/process/port.ts';
import { startValkeyServer } from '../../scripts/stores/valkey.ts';
import { folders } from '../../scripts/stack/folders.ts';
import { valkeyProgram } from '../../scripts/tools/programs.ts';
import type { Settings } from './postgres.ts';

/** A real Valkey (or Redis) of the tests' own. */
export interface TestValkey {
  readonly port: number;
  stop(): Promise<void>;
  /** Holds it still: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Starts it again, empty, on the same port. */
  start(): Promise<void>;
  /** Stops it for good. */
  remove(): Promise<void>;
}

const PASSWORD = 'trial';
export const DATABASES = 512;

export async function startValkey(): Promise<TestValkey> {
  const folder = mkdtempSync(join(tmpdir(), 'auth-test-'));
  const server = {
    program: await valkeyProgram(folders.tools),
    port: await freePort(),
    password: PASSWORD,
    configFile: join(folder, 'valkey.conf'),
    logFile: join(folder, 'valkey.log'),
    databases: DATABASES,
  };
  let running = await startValkeyServer(server);
  const stop = async () => {
    await end(running.identity, patiently(5_000));
  };
  return {
    port: server.port,
    stop,
    pause: () => {
      sendSignal(running.identity, 'SIGSTOP');
    },
    resume: () => {
      sendSignal(running.identity, 'SIGCONT');
    },
    start: async () => {
      running = await startValkeyServer(server);
    },
    remove: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function redisSettings(port: number, database: number): Settings {
  return {
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(port),
    REDIS_PASSWORD: PASSWORD,
    REDIS_DB: String(database),
  };
}
