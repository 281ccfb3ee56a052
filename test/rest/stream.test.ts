import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStubEdge } from './stub-edge.ts';
import type { StubEdge } from './stub-edge.ts';

const WATCH = '/auth/v1/device/link/6f2b1c1e-8f0a-4b68-9d9e-1f7d5a3b2c10/watch';
let rest: StubEdge;

beforeAll(async () => {
  rest = await startStubEdge();
});

afterAll(async () => {
  await rest.stop();
});

describe('a watch over REST', () => {
  it('arrives message by message as Server-Sent Events while it stays open', async () => {
    rest.stub.streamed = [{ expiresIn: 30 }, { expiresIn: 29 }];
    const response = await open(WATCH);
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe('text/event-stream');
    expect(response.headers['cache-control']).toBe('no-store');
    const events = await firstEvents(response, 2);
    expect(events).toEqual([
      'data: {"state":"LINK_STATE_UNSPECIFIED","expiresIn":30}',
      'data: {"state":"LINK_STATE_UNSPECIFIED","expiresIn":29}',
    ]);
    expect(response.complete).toBe(false);
    response.destroy();
  });

  it('ends behind the edge when the client leaves', async () => {
    rest.stub.streamed = [{ expiresIn: 30 }];
    const left = rest.stub.nextLeave();
    const response = await open(WATCH);
    await firstEvents(response, 1);
    response.destroy();
    await left;
  });
});

async function open(path: string): Promise<IncomingMessage> {
  const sent = httpRequest({ host: '127.0.0.1', port: rest.edge.port, path, agent: false });
  sent.on('error', () => undefined);
  sent.end();
  const [response]: [IncomingMessage] = await new Promise((resolve, reject) => {
    sent.once('response', (incoming: IncomingMessage) => resolve([incoming]));
    sent.once('error', reject);
  });
  response.on('error', () => undefined);
  return response;
}

/** Server-Sent Events are separated by an empty line. */
async function firstEvents(response: IncomingMessage, count: number): Promise<string[]> {
  let text = '';
  const chunks: AsyncIterator<unknown, undefined> = response.iterator({ destroyOnReturn: false });
  while (text.split('\n\n').length <= count) {
    const { value, done } = await chunks.next();
    if (done === true) throw new Error(`The stream ended after ${text}`);
    text += String(value);
  }
  return text.split('\n\n').slice(0, count);
}
