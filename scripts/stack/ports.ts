import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, isPortFree } from '../process/port.ts';
import { folders } from './folders.ts';

// What people and clients connect to: fixed, settable by environment.
const PUBLIC = {
  rest: { variable: 'REST_PORT', fallback: 3001, meaning: 'REST (Envoy)' },
  grpc: { variable: 'GRPC_PORT', fallback: 50_051, meaning: 'gRPC' },
  metrics: { variable: 'METRICS_PORT', fallback: 9464, meaning: 'metrics' },
  inbox: { variable: 'INBOX_PORT', fallback: 3002, meaning: 'SMS inbox' },
} as const;
// Where the machine's own PostgreSQL and Redis may start later.
const AVOIDED = new Set([5432, 6379]);

type PublicName = keyof typeof PUBLIC;
// Ours alone: whatever is free, remembered so that tools of the developer keep their settings.
type PrivateName = 'postgres' | 'valkey' | 'envoyAdmin';
type PortName = PublicName | PrivateName;
/** Every port of the stack. */
export type Ports = Readonly<Record<PortName, number>>;

const file = join(folders.run, 'ports.json');

/** The ports of the last start. */
export function rememberedPorts(): Partial<Ports> {
  if (!existsSync(file)) {
    return {};
  }
  try {
    const found: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof found === 'object' && found !== null ? found : {};
  } catch {
    return {};
  }
}

/** The ports of the last start, if there was one. */
export function allPorts(): Ports | undefined {
  const { rest, grpc, metrics, inbox, postgres, valkey, envoyAdmin } = rememberedPorts();
  if (!rest || !grpc || !metrics || !inbox || !postgres || !valkey || !envoyAdmin) {
    return undefined;
  }
  return { rest, grpc, metrics, inbox, postgres, valkey, envoyAdmin };
}

/** Chooses every port and remembers them. @throws naming the setting when a public one is taken */
export async function choosePorts(environment: NodeJS.ProcessEnv = process.env): Promise<Ports> {
  const remembered = rememberedPorts();
  const ports: Record<PortName, number> = {
    rest: await publicPort('rest', environment),
    grpc: await publicPort('grpc', environment),
    metrics: await publicPort('metrics', environment),
    inbox: await publicPort('inbox', environment),
    postgres: await privatePort(remembered.postgres),
    valkey: await privatePort(remembered.valkey),
    envoyAdmin: await privatePort(remembered.envoyAdmin),
  };
  // The file of an earlier run may belong to another user.
  rmSync(file, { force: true });
  writeFileSync(file, JSON.stringify(ports));
  return ports;
}

/** The port that the environment names, or the usual one. @throws naming the setting when it is taken */
export async function publicPort(
  name: PublicName,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const { variable, fallback, meaning } = PUBLIC[name];
  const text = environment[variable] ?? String(fallback);
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw new Error(`${variable} must be a port from 1 to 65535 (it is '${text}').`);
  }
  if (!(await isPortFree(port))) {
    throw new Error(
      `Port ${port} (${meaning}) is taken by another program. Stop that program, or choose another ` +
        `port: ${variable}=${port + 1000 > 65_535 ? port - 1000 : port + 1000} npm start`,
    );
  }
  return port;
}

async function privatePort(remembered: number | undefined): Promise<number> {
  if (remembered !== undefined && (await isPortFree(remembered))) {
    return remembered;
  }
  for (;;) {
    const port = await freePort();
    if (!AVOIDED.has(port)) {
      return port;
    }
  }
}
