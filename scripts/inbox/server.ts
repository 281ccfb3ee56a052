import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Mailbox } from './mailbox.ts';
import { page } from './page.ts';

// Longer than any SMS chain; a larger body is a mistake.
const MAX_BODY_BYTES = 16 * 1024;

/** The local stack's SMS provider: the service posts messages, people and tests read them. */
export function createInboxServer(mailbox: Mailbox): Server {
  return createServer((request, response) => {
    answer(mailbox, request, response).catch(() => {
      response.destroy();
    });
  });
}

async function answer(
  mailbox: Mailbox,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://inbox');
  switch (`${request.method ?? ''} ${url.pathname}`) {
    case 'GET /':
      sendPage(response);
      return;
    case 'GET /messages':
      sendJson(response, 200, mailbox.find(url.searchParams.get('to') ?? undefined));
      return;
    case 'POST /messages':
      await receive(mailbox, request, response);
      return;
    default:
      sendJson(response, 404, { message: 'The inbox has / and /messages.' });
  }
}

async function receive(
  mailbox: Mailbox,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const text = await readBody(request);
  if (text === undefined) {
    sendJson(response, 413, { message: `A message has at most ${MAX_BODY_BYTES} bytes.` });
    return;
  }
  const { to, body, sendId } = fieldsOf(text);
  if (to === undefined || body === undefined) {
    sendJson(response, 400, {
      message: 'A message is a JSON object {to, body, sendId} of strings.',
    });
    return;
  }
  mailbox.receive(sendId ?? randomBytes(16).toString('hex'), { to, body });
  sendJson(response, 202, { accepted: true });
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    // Read on without keeping it: a client that is cut off while sending sees no answer.
    if (size <= MAX_BODY_BYTES) {
      chunks.push(chunk);
    }
  });
  await once(request, 'end');
  return size <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString('utf8') : undefined;
}

function fieldsOf(text: string): { to?: string; body?: string; sendId?: string } {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) {
      return {};
    }
    const strings = Object.entries(parsed).filter(([, value]) => typeof value === 'string');
    return Object.fromEntries(strings);
  } catch {
    return {};
  }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(JSON.stringify(value));
}

function sendPage(response: ServerResponse): void {
  const nonce = randomBytes(16).toString('base64');
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': `default-src 'none'; connect-src 'self'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'`,
    'x-content-type-options': 'nosniff',
  });
  response.end(page(nonce));
}
