import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';

/**
 * Reads a stream as a browser's EventSource does (HTML, "Server-sent events"): no header but Accept, 200
 * and `text/event-stream` or nothing, events of `data:` lines that an empty line ends. It does not
 * reconnect.
 */
export class EventSource {
  readonly #response: IncomingMessage;
  #isClosed = false;
  readonly events: unknown[] = [];
  readonly ended: Promise<void>;

  private constructor(response: IncomingMessage) {
    this.#response = response;
    this.ended = this.#read().catch((error: unknown) => {
      if (!this.#isClosed) throw error;
    });
  }

  /** @throws when the answer is none that an EventSource accepts */
  static async open(port: number, path: string, from: string): Promise<EventSource> {
    const headers = { accept: 'text/event-stream', 'cache-control': 'no-cache' };
    const options = { host: '127.0.0.1', port, path, headers, localAddress: from, agent: false };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest(options, resolve).on('error', reject).end();
    });
    const type = response.headers['content-type'] ?? '';
    if (response.statusCode === 200 && /^text\/event-stream\s*(;|$)/.test(type)) {
      return new EventSource(response);
    }
    response.resume();
    throw new Error(`No event stream but ${response.statusCode ?? 0} ${type}`);
  }

  close(): void {
    this.#isClosed = true;
    this.#response.destroy();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    let data: string[] = [];
    const chunks: AsyncIterable<Buffer> = this.#response;
    for await (const chunk of chunks) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '' && data.length > 0) this.events.push(JSON.parse(data.join('\n')));
        if (line === '') data = [];
        if (line.startsWith('data:')) data.push(line.slice('data:'.length).replace(/^ /, ''));
      }
    }
  }
}
