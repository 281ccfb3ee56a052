import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';

/** The SMS provider of the load: it keeps the newest code of every number. */
export class Inbox {
  readonly #codes = new Map<string, string>();

  /** Listens on a free port of the loopback. */
  async listen(): Promise<number> {
    const server = createServer((request, response) => {
      this.#receive(request).then(
        () => response.writeHead(202).end(),
        () => response.destroy(),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** The code that was sent last, once. */
  take(phone: string): string {
    const code = this.#codes.get(phone) ?? '';
    this.#codes.delete(phone);
    return code;
  }

  async #receive(request: IncomingMessage): Promise<void> {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(request, 'end');
    const message: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (typeof message !== 'object' || message === null) return;
    if (!('to' in message) || !('body' in message)) return;
    const code = /\d{6}/.exec(String(message.body))?.[0];
    if (code !== undefined) this.#codes.set(String(message.to), code);
  }
}
