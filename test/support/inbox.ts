import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';

/** The outside world's SMS provider: a small server that takes what the service posts. */
export interface TestInbox {
  readonly url: string;
  /** How many messages went to a number. */
  count(phone: string): number;
  /** The newest code that a number received. */
  codeFor(phone: string): string;
  /** Every code that a number received, oldest first. */
  codesFor(phone: string): string[];
  /** Makes it refuse, or take, messages from now on. */
  setBroken(isBroken: boolean): void;
  close(): Promise<void>;
}

/** Listens on a free loopback port. */
export async function openInbox(): Promise<TestInbox> {
  const messages: { to: string; body: string }[] = [];
  let isBroken = false;
  const server = createServer((request, response) => {
    void readMessage(request).then((message) => {
      if (!isBroken) messages.push(message);
      response.writeHead(isBroken ? 503 : 202).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const codesFor = (phone: string) =>
    messages.filter(({ to }) => to === phone).map(({ body }) => /\d{6}/.exec(body)?.[0] ?? '');
  return {
    url: `http://127.0.0.1:${port}`,
    count: (phone) => codesFor(phone).length,
    codesFor,
    codeFor: (phone) => codesFor(phone).at(-1) ?? '',
    setBroken: (value) => {
      isBroken = value;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readMessage(request: IncomingMessage): Promise<{ to: string; body: string }> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const message: unknown = JSON.parse(text);
  const field = (name: string) => String(Reflect.get(Object(message), name));
  return { to: field('to'), body: field('body') };
}
