import { once } from 'node:events';
import { createServer as createHttp1Server } from 'node:http';
import type { Server as Http1Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { createServer as createTcpServer } from 'node:net';
import type { Server as TcpServer, Socket } from 'node:net';
import type { connectNodeAdapter } from '@connectrpc/connect-node';

/** Handlers that serve requests of both HTTP versions. */
export type HttpHandler = ReturnType<typeof connectNodeAdapter>;
export type HttpRequest = Parameters<HttpHandler>[0];
export type HttpResponse = Parameters<HttpHandler>[1];

/** How an HTTP/2 connection begins (RFC 9113 §3.4); no HTTP/1 method does. */
const HTTP2_PREFACE = 'PRI';
/** A connection that says nothing is dropped; a watch sends a heartbeat every 20 s. */
const SILENCE_MS = 60_000;

/**
 * HTTP/1.1 and HTTP/2 without TLS on one port, which Node does not offer: the first bytes of a
 * connection choose. Connections are tracked, since a bare `close()` of an HTTP/2 server may never
 * complete while a session is open.
 */
export class HttpListener {
  readonly #tcp: TcpServer;
  readonly #http1: Http1Server;
  readonly #http2: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #http1Sockets = new Set<Socket>();
  readonly #busy = new Set<Socket>();
  #isStopping = false;

  constructor(serve: HttpHandler) {
    this.#http2 = createHttp2Server(serve);
    this.#http2.on('session', (session) => {
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session));
    });
    this.#http1 = createHttp1Server((request, response) => {
      this.#trackRequest(request.socket, response);
      serve(request, response);
    });
    this.#tcp = createTcpServer((socket) => {
      this.#accept(socket);
    });
  }

  get port(): number {
    const address = this.#tcp.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async listen(port: number, host: string): Promise<void> {
    this.#tcp.listen(port, host);
    await once(this.#tcp, 'listening');
  }

  /** Takes no new calls and waits for the accepted ones, at most `timeoutMs`; then cuts them off. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    const closed = once(this.#tcp, 'close');
    this.#tcp.close();
    for (const session of this.#sessions) session.close();
    for (const socket of this.#http1Sockets) if (!this.#busy.has(socket)) socket.destroy();
    const timer = setTimeout(() => {
      for (const session of this.#sessions) session.destroy();
      for (const socket of this.#http1Sockets) socket.destroy();
    }, timeoutMs);
    await closed;
    clearTimeout(timer);
  }

  #accept(socket: Socket): void {
    socket.setTimeout(SILENCE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    let start = Buffer.alloc(0);
    const choose = () => {
      const read: unknown = socket.read();
      if (Buffer.isBuffer(read)) start = Buffer.concat([start, read]);
      if (start.length < HTTP2_PREFACE.length) {
        socket.once('readable', choose);
        return;
      }
      socket.unshift(start);
      this.#dispatch(socket, start);
    };
    socket.once('readable', choose);
  }

  #dispatch(socket: Socket, start: Buffer): void {
    if (start.toString('latin1', 0, HTTP2_PREFACE.length) === HTTP2_PREFACE) {
      this.#http2.emit('connection', socket);
      return;
    }
    this.#http1Sockets.add(socket);
    socket.once('close', () => this.#http1Sockets.delete(socket));
    this.#http1.emit('connection', socket);
  }

  #trackRequest(socket: Socket, response: NodeJS.EventEmitter): void {
    this.#busy.add(socket);
    response.once('close', () => {
      this.#busy.delete(socket);
      if (this.#isStopping) socket.destroySoon();
    });
  }
}
