import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { end, patiently } from '../../scripts/process/end.ts';
import { launch, waitUntil } from '../../scripts/process/launch.ts';
import type { Running } from '../../scripts/process/launch.ts';
import { freePort, isListening } from '../../scripts/process/port.ts';
import { checkout } from '../../scripts/stack/folders.ts';
import { OpsService } from '../../gen/whispr/ops/v1/ops_service_pb.ts';
import { Connection } from './load/connection.ts';
import { encode, unary } from './load/unary.ts';
import type { Target } from './load/messages.ts';

/** A server process that the load is put on. */
export interface ServerProcess extends Target {
  readonly logFile: string;
  stop(): Promise<void>;
}

export interface TimedProcess extends ServerProcess {
  /** From the start of the process to its first READY. */
  readonly readyMs: number;
}

const READY_TIMEOUT_MS = 30_000;
/** Fine enough to time a start of half a second, coarse enough not to slow it down. */
const POLL_MS = 5;

/** One of the servers in `servers/`, on a free port. */
export async function startEcho(name: string, folder: string): Promise<ServerProcess> {
  const port = await freePort();
  const running = await launch({
    name,
    command: process.execPath,
    args: [join(import.meta.dirname, 'servers', `${name}.ts`)],
    env: { ...process.env, ECHO_PORT: String(port) },
    logFile: join(folder, `${name}.log`),
  });
  await waitUntil(running, () => isListening(port), READY_TIMEOUT_MS);
  return serverProcess(running, port);
}

/** What docker/Dockerfile runs the service with. */
const IMAGE_OPTIONS = ['--max-semi-space-size=8'];
const IMAGE_ENVIRONMENT = { MALLOC_ARENA_MAX: '2' };

/** The built service, timed until it says that it is ready. */
export async function startService(
  environment: Readonly<Record<string, string>>,
  options: { readonly folder: string; readonly nodeOptions: readonly string[] },
): Promise<TimedProcess> {
  const port = Number(environment['GRPC_PORT']);
  const startedAt = performance.now();
  const running = await launch({
    name: 'The service',
    command: process.execPath,
    args: [...IMAGE_OPTIONS, ...options.nodeOptions, join(checkout, 'dist', 'src', 'main.js')],
    env: { PATH: process.env['PATH'], ...IMAGE_ENVIRONMENT, ...environment },
    logFile: join(options.folder, 'service.log'),
    cwd: checkout,
  });
  const deadline = startedAt + READY_TIMEOUT_MS;
  while (running.isRunning() && performance.now() < deadline && !(await isReady(port))) {
    await sleep(POLL_MS);
  }
  const readyMs = performance.now() - startedAt;
  // Says why, with the log's end, when the loop above gave up.
  await waitUntil(running, () => isReady(port), 1);
  return { ...serverProcess(running, port), readyMs };
}

function serverProcess(running: Running, port: number): ServerProcess {
  return {
    port,
    pid: running.identity.pid,
    logFile: running.logFile,
    stop: async () => {
      await end(running.identity, patiently(10_000));
    },
  };
}

function isReady(port: number): Promise<boolean> {
  const method = unary(OpsService.method.getReadiness);
  return new Promise((resolve) => {
    const connection = new Connection(port, () => {
      resolve(false);
    });
    connection.call(method.block, encode(method, {}), (data) => {
      connection.close();
      resolve(data !== undefined);
    });
  });
}
