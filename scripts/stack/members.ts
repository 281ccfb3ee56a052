import { existsSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { launch, type Running, waitUntil } from '../process/launch.ts';
import { isListening } from '../process/port.ts';
import { serviceEnvironment, systemEnvironment } from './environment.ts';
import { checkout, folders } from './folders.ts';
import { isReady } from './health.ts';
import type { Ports } from './ports.ts';
import { record } from './records.ts';
import type { Secrets } from './secrets.ts';

// Generous: a first start compiles nothing, but a busy machine may be slow.
const READY_TIMEOUT_MS = 60_000;

/** Starts the SMS inbox. */
export async function startInbox(ports: Ports): Promise<Running> {
  const running = await launch({
    name: 'The SMS inbox',
    command: process.execPath,
    args: [join(checkout, 'scripts', 'inbox', 'main.ts')],
    env: { ...systemEnvironment(), INBOX_PORT: String(ports.inbox) },
    logFile: join(folders.log, 'inbox.log'),
    onStart: (identity) => record('inbox', identity),
  });
  await waitUntil(running, () => isListening(ports.inbox), READY_TIMEOUT_MS);
  return running;
}

/** Starts the service from its sources; it migrates the database first. */
export async function startService(ports: Ports, secrets: Secrets): Promise<Running> {
  const running = await launch({
    name: 'The service',
    command: process.execPath,
    args: [join(checkout, 'src', 'main.ts')],
    env: serviceEnvironment(ports, secrets),
    logFile: join(folders.log, 'service.log'),
    cwd: checkout,
    onStart: (identity) => record('service', identity),
  });
  await waitUntil(running, () => isListening(ports.grpc), READY_TIMEOUT_MS);
  return running;
}

/** Starts the edge; ready means that a readiness request passed through it to the service. */
export async function startEnvoy(
  program: string,
  ports: Ports,
  environment: NodeJS.ProcessEnv,
): Promise<Running> {
  const configFile = join(folders.run, 'envoy.yaml');
  renderConfiguration(configFile, ports, environment);
  const running = await launch({
    name: 'Envoy',
    command: program,
    // Hot restart shares memory with every other Envoy of base id 0 and ends Envoy with its parent; a stack
    // that was started with --detach has none.
    args: [
      '-c',
      configFile,
      '--disable-hot-restart',
      '--log-level',
      'warning',
      '--concurrency',
      '2',
    ],
    env: systemEnvironment(),
    logFile: join(folders.log, 'envoy.log'),
    cwd: checkout,
    onStart: (identity) => record('envoy', identity),
  });
  await waitUntil(running, () => isReady(ports.rest), READY_TIMEOUT_MS);
  return running;
}

function renderConfiguration(file: string, ports: Ports, environment: NodeJS.ProcessEnv): void {
  const options = [
    ...['--out', file, '--rest-port', String(ports.rest)],
    ...['--grpc-host', '127.0.0.1', '--grpc-port', String(ports.grpc)],
    ...['--metrics-port', String(ports.metrics), '--admin-port', String(ports.envoyAdmin)],
  ];
  rmSync(file, { force: true });
  const script = join(checkout, 'envoy', 'render.ts');
  const result = spawnSync(process.execPath, [script, ...options], {
    encoding: 'utf8',
    env: environment,
    cwd: checkout,
  });
  if (result.status !== 0 || !existsSync(file)) {
    throw new Error(`Envoy's configuration cannot be made:\n${result.stderr}`);
  }
}
