import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { settings } from '../src/config/table.ts';
import type { Setting } from '../src/config/setting.ts';
import { DESCRIPTOR_FILE } from './method.ts';
import type { Descriptor } from './transcoder.ts';

/** Host and port of a socket. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** One edge. */
export interface EdgeOptions {
  readonly listen: Address;
  readonly admin: Address;
  /** gRPC ports of the service, one per replica or one name that resolves to all. */
  readonly replicas: readonly Address[];
  /** Where Prometheus' text comes from; undefined = `/metrics` does not exist. */
  readonly metrics: Address | undefined;
  readonly descriptor: Descriptor;
  readonly corsOrigins: readonly string[];
  readonly isProduction: boolean;
  /** Proxies in front of this one whose X-Forwarded-For is believed. */
  readonly trustedHops: number;
  readonly healthIntervalMs: number;
  readonly requestsPerSecond: number;
  readonly maxConnections: number;
  readonly maxHeapMb: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const FLAGS = {
  out: { type: 'string' },
  'listen-host': { type: 'string', default: '127.0.0.1' },
  'rest-port': { type: 'string', default: '3001' },
  'admin-host': { type: 'string', default: '127.0.0.1' },
  'admin-port': { type: 'string', default: '9901' },
  'grpc-host': { type: 'string', default: '127.0.0.1' },
  'grpc-port': { type: 'string', default: '50051' },
  replica: { type: 'string', multiple: true },
  'metrics-host': { type: 'string' },
  'metrics-port': { type: 'string', default: '9464' },
  descriptor: { type: 'string', default: DESCRIPTOR_FILE },
  'inline-descriptor': { type: 'boolean', default: false },
  'trusted-hops': { type: 'string', default: '0' },
  'health-interval-ms': { type: 'string', default: '200' },
  'requests-per-second': { type: 'string', default: '5000' },
  'max-connections': { type: 'string', default: '10000' },
  'max-heap-mb': { type: 'string', default: '512' },
} as const;

/**
 * Reads the command line and what the edge shares with the service: CORS_ORIGINS, METRICS_ENABLED,
 * NODE_ENV. Without an output file the configuration goes to the standard output.
 * @throws Error that names the flag or variable
 */
export function readOptions(
  args: readonly string[],
  environment: Environment,
): { readonly out: string | undefined; readonly edge: EdgeOptions } {
  const { values } = parseArgs({ args: [...args], options: FLAGS });
  const number = (name: keyof typeof FLAGS, min: number, max: number) =>
    wholeNumber(`--${name}`, String(values[name]), [min, max]);
  const port = (name: keyof typeof FLAGS) => number(name, 1, 65_535);
  const { descriptor: file } = values;
  const metricsHost = values['metrics-host'] ?? values['grpc-host'];
  const isOn = sharedSetting(settings.metricsEnabled, environment);
  const edge = {
    listen: { host: values['listen-host'], port: port('rest-port') },
    admin: { host: values['admin-host'], port: port('admin-port') },
    replicas: [
      { host: values['grpc-host'], port: port('grpc-port') },
      ...(values.replica ?? []).map((text) => addressOf(text)),
    ],
    metrics: isOn ? { host: metricsHost, port: port('metrics-port') } : undefined,
    descriptor: values['inline-descriptor'] ? { inline: file } : { file },
    corsOrigins: sharedSetting(settings.corsOrigins, environment),
    isProduction: sharedSetting(settings.nodeEnv, environment) === 'production',
    trustedHops: number('trusted-hops', 0, 10),
    healthIntervalMs: number('health-interval-ms', 50, 60_000),
    requestsPerSecond: number('requests-per-second', 1, 1_000_000),
    maxConnections: number('max-connections', 1, 1_000_000),
    maxHeapMb: number('max-heap-mb', 64, 65_536),
  };
  return { out: values.out, edge };
}

/** `host:port`; an IPv6 host stands in brackets. */
function addressOf(text: string): Address {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined || (bracketed !== undefined && isIP(host) !== 6)) {
    throw new Error(`--replica must be host:port (it is '${text}')`);
  }
  return { host, port: wholeNumber('--replica', port, [1, 65_535]) };
}

function wholeNumber(name: string, text: string, [min, max]: readonly [number, number]): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new Error(`${name} must be a whole number from ${min} to ${max} (it is '${text}')`);
  }
  return value;
}

/** Production's default where nothing is set: an edge that nobody told anything exposes nothing. */
function sharedSetting<T>(setting: Setting<T>, environment: Environment): T {
  const file = environment[`${setting.name}_FILE`];
  const raw = file ? readFileSync(file, 'utf8').trim() : environment[setting.name];
  if (raw !== undefined && raw !== '') return setting.read(raw);
  if (setting.productionFallback === undefined) throw new Error(`${setting.name} is required`);
  return setting.productionFallback.value;
}
