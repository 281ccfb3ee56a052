import { randomInt, randomUUID } from 'node:crypto';
import type { Overrides } from '../../src/context.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import type { Settings } from '../support/postgres.ts';
import { startEdge } from './edge.ts';
import type { Edge, EdgeWish } from './edge.ts';
import { send } from './request.ts';
import type { Answer, Wish } from './request.ts';

/** The real service behind a real Envoy. */
export interface Rest {
  readonly app: TestApp;
  readonly edge: Edge;
  send(wish: Wish): Promise<Answer>;
  stop(): Promise<void>;
}

/** What is particular about the edge. */
export type EdgeParticulars = Omit<EdgeWish, 'grpcPorts' | 'metricsPort'>;

/** `settings` are the service's variables. */
export async function startRest(
  settings: Settings = {},
  particulars: EdgeParticulars & { readonly overrides?: Overrides } = {},
): Promise<Rest> {
  const { overrides, ...edge } = particulars;
  return putBehindEdge(await startApp(settings, overrides), edge);
}

/** Starts an edge in front of a service; stopping ends both. */
export async function putBehindEdge(
  app: TestApp,
  particulars: EdgeParticulars = {},
): Promise<Rest> {
  const { grpc, metrics } = app.ports;
  const edge = await startEdge({ grpcPorts: [grpc], metricsPort: metrics, ...particulars });
  return {
    app,
    edge,
    send: (request) => send(edge.port, request),
    stop: async () => {
      await edge.stop();
      await app.stop();
    },
  };
}

/** A client's address that nobody else in this run has. */
export function newClient(): string {
  return `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`;
}

/** Text of a key or signature as the app sends it: standard base64 with padding. */
export function base64(bytes: number): string {
  return Buffer.from(Array.from({ length: bytes }, () => randomInt(256))).toString('base64');
}

/** What the deployed app registers with: 100 one-time keys, about 8.4 KB. */
export function deployedBundle(): Record<string, unknown> {
  return {
    identityKey: base64(32),
    signedPreKey: { keyId: 1, publicKey: base64(32), signature: base64(64) },
    preKeys: Array.from({ length: 100 }, (_, index) => ({
      keyId: 5_000 + index,
      publicKey: base64(32),
    })),
  };
}

/** What the deployed app tells of its device, with fields that this service does not know. */
export function deployedDevice(deviceId: string = randomUUID()): Record<string, unknown> {
  return {
    deviceId,
    deviceName: 'Ana’s phone',
    deviceType: 'ios',
    model: 'iPhone15,2',
    osVersion: '18.1',
    appVersion: '2.4.0',
    pushToken: 'not-for-us',
  };
}
