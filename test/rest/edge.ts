import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { edgeConfiguration } from '../../envoy/configuration.ts';
import { readOptions } from '../../envoy/options.ts';
import { end, patiently } from '../../scripts/process/end.ts';
import { launch, waitUntil } from '../../scripts/process/launch.ts';
import { freePort, isListening } from '../../scripts/process/port.ts';
import { folders } from '../../scripts/stack/folders.ts';
import { envoyProgram } from '../../scripts/tools/programs.ts';

/** What an edge of the tests stands in front of. */
export interface EdgeWish {
  /** gRPC ports of the replicas on the loopback. */
  readonly grpcPorts: readonly number[];
  readonly metricsPort?: number | undefined;
  /** Further flags of envoy/render.ts. */
  readonly flags?: readonly string[];
  /** CORS_ORIGINS and the like. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A real Envoy on a free port. */
export interface Edge {
  readonly port: number;
  readonly adminPort: number;
  /** What it wrote so far: its own warnings and one line of JSON per request. */
  log(): string;
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 20_000;

/** Renders a configuration as the local stack does and starts Envoy with it. */
export async function startEdge(wish: EdgeWish): Promise<Edge> {
  const folder = mkdtempSync(join(tmpdir(), 'auth-edge-'));
  const [port, adminPort] = [await freePort(), await freePort()];
  const configFile = join(folder, 'envoy.yaml');
  const logFile = join(folder, 'envoy.log');
  writeFileSync(configFile, configurationFor(wish, { port, adminPort }));
  const running = await launch({
    name: 'Envoy',
    command: await envoyProgram(folders.tools),
    args: [
      ...['-c', configFile, '--use-dynamic-base-id', '--concurrency', '1'],
      ...['--log-level', 'warning', '--file-flush-interval-msec', '50'],
    ],
    env: {},
    logFile,
  });
  await waitUntil(running, () => isListening(port), READY_TIMEOUT_MS);
  return {
    port,
    adminPort,
    log: () => readFileSync(logFile, 'utf8'),
    stop: async () => {
      await end(running.identity, patiently(5_000));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configurationFor(wish: EdgeWish, ports: { port: number; adminPort: number }): string {
  const { grpcPorts, metricsPort, flags = [], environment = {} } = wish;
  const [first = 1, ...others] = grpcPorts;
  const { edge } = readOptions(
    [
      ...['--rest-port', String(ports.port), '--admin-port', String(ports.adminPort)],
      ...['--grpc-port', String(first)],
      ...others.flatMap((other) => ['--replica', `127.0.0.1:${other}`]),
      ...(metricsPort === undefined ? [] : ['--metrics-port', String(metricsPort)]),
      ...flags,
    ],
    { NODE_ENV: 'test', METRICS_ENABLED: String(metricsPort !== undefined), ...environment },
  );
  return stringify(edgeConfiguration(edge), { aliasDuplicateObjects: false });
}
