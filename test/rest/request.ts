import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';

/** One HTTP request, exactly as written: nothing is added but Host and Content-Length. */
export interface Wish {
  readonly method: string;
  readonly path: string;
  /** A value to print as JSON, or the very text. */
  readonly json?: unknown;
  readonly text?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Address to come from, any in 127.0.0.0/8: another client to the edge. */
  readonly from?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly json: unknown;
}

/** Sends a request to a port of the loopback and reads the whole answer. */
export async function send(port: number, wish: Wish): Promise<Answer> {
  const { method, path, from = '127.0.0.1' } = wish;
  const body = wish.text ?? (wish.json === undefined ? undefined : JSON.stringify(wish.json));
  const length = body === undefined ? undefined : String(Buffer.byteLength(body));
  const headers = {
    ...(wish.json === undefined ? {} : { 'content-type': 'application/json' }),
    ...(length === undefined ? {} : { 'content-length': length }),
    ...wish.headers,
  };
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, headers, localAddress: from };
    const sent = httpRequest({ ...options, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const { statusCode: status = 0 } = response;
        resolve({ status, headers: response.headers, text, json: parsed(text) });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
