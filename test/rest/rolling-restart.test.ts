import { Agent, request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../scripts/process/port.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { registerPerson } from '../support/person.ts';
import { eventually } from '../support/private-stores.ts';
import { startEdge } from './edge.ts';
import type { Edge } from './edge.ts';

const CALLERS = 64;
/** Three health intervals of the edge. */
const DRAIN_DELAY_MS = '600';

let base: TestApp;
let replicas: { port: number; app: TestApp }[];
let edge: Edge;
let agent: Agent;

beforeAll(async () => {
  base = await startApp({ KEY_SIGNATURE_POLICY: 'legacy' });
  const ports = [await freePort(), await freePort()];
  replicas = [];
  for (const port of ports) replicas.push({ port, app: await startReplica(port) });
  edge = await startEdge({ grpcPorts: ports });
  agent = new Agent({ keepAlive: true, maxSockets: CALLERS });
});

afterAll(async () => {
  agent.destroy();
  await edge.stop();
  for (const { app } of replicas) await app.stop();
  await base.stop();
});

describe('two replicas behind the edge', () => {
  it('restart one after the other under 64 callers without a failed call', async () => {
    const { accessToken } = await registerPerson(base);
    const load = { isOver: false };
    const outcomes = new Map<string, number>();
    const callers = Array.from({ length: CALLERS }, async () => {
      while (!load.isOver) {
        const outcome = await call(accessToken);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    });
    for (const replica of replicas) {
      await replica.app.stop();
      replica.app = await startReplica(replica.port);
      await eventually(healthyReplicas, (count) => count === replicas.length);
    }
    load.isOver = true;
    await Promise.all(callers);
    expect([...outcomes.keys()]).toEqual(['200']);
    expect(outcomes.get('200')).toBeGreaterThan(CALLERS);
  });
});

function startReplica(port: number): Promise<TestApp> {
  return base.replica({ GRPC_PORT: String(port), METRICS_ENABLED: 'false', DRAIN_DELAY_MS });
}

/** The status, or what became of the connection. */
function call(accessToken: string): Promise<string> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${accessToken}` };
    const options = { host: '127.0.0.1', port: edge.port, path: '/auth/v1/device', headers, agent };
    const sent = httpRequest(options, (response) => {
      response.resume();
      response.on('end', () => resolve(String(response.statusCode)));
      response.on('error', (error) => resolve(error.message));
    });
    sent.on('error', (error) => resolve(error.message));
    sent.end();
  });
}

async function healthyReplicas(): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${edge.adminPort}/clusters`);
  const lines = (await response.text()).split('\n');
  return lines.filter((line) => /^auth::.*::health_flags::healthy$/.test(line)).length;
}
