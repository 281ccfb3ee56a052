import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** A request for a message, as it arrived. */
export interface Posted {
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface FakeAnswer {
  readonly status: number;
  readonly contentType?: string;
  readonly body: string;
}

/** What it does with requests from now on: takes them, never answers, answers late, or answers this. */
export type Behaviour = 'well' | 'hanging' | { readonly lateMs: number } | FakeAnswer;

/** An SMS provider of the outside world: a small HTTP server on the loopback. */
export interface FakeProvider {
  readonly url: string;
  /** Every request, oldest first, whatever was answered. */
  readonly posted: readonly Posted[];
  behave(behaviour: Behaviour): void;
  /** Refuses connections until it is opened again, on the same port. */
  hangUp(): Promise<void>;
  pickUp(): Promise<void>;
  close(): Promise<void>;
}

export const DOWN: FakeAnswer = { status: 503, contentType: 'text/html', body: '<h1>Sorry</h1>' };

/** `accept` says what a well provider answers. */
export async function openFakeProvider(
  accept: (posted: Posted) => FakeAnswer,
): Promise<FakeProvider> {
  const posted: Posted[] = [];
  let behaviour: Behaviour = 'well';
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const found = await read(request);
    posted.push(found);
    const answered = await answerOf(behaviour, () => accept(found));
    if (answered === undefined) return;
    const { status, contentType = 'application/json', body } = answered;
    response.writeHead(status, { 'content-type': contentType }).end(body);
  }
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  };
  const close = async () => {
    server.closeAllConnections();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  const port = await listen(0);
  return {
    url: `http://127.0.0.1:${port}`,
    posted,
    behave: (value) => {
      behaviour = value;
    },
    hangUp: close,
    pickUp: async () => {
      await listen(port);
    },
    close,
  };
}

async function read(request: IncomingMessage): Promise<Posted> {
  const atMs = performance.now();
  const { method = '', url: path = '', headers } = request;
  return { atMs, method, path, headers, body: await text(request) };
}

async function answerOf(
  behaviour: Behaviour,
  accept: () => FakeAnswer,
): Promise<FakeAnswer | undefined> {
  if (behaviour === 'hanging') return undefined;
  if (behaviour === 'well') return accept();
  if ('status' in behaviour) return behaviour;
  await after(behaviour.lateMs);
  return accept();
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
