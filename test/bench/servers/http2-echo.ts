import { createServer } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';

// The limit: what Node's HTTP/2 does when nothing else happens. `/echo` answers with what it got;
// `/echo-with-trailers` adds what every gRPC answer ends with.
const HEADERS = { ':status': 200, 'content-type': 'application/grpc' };

const server = createServer();
server.on('stream', (stream, headers) => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => {
    const [first] = chunks;
    const body = chunks.length === 1 && first ? first : Buffer.concat(chunks);
    answer(stream, body, headers[':path'] === '/echo-with-trailers');
  });
});
server.listen(Number(process.env['ECHO_PORT']), '127.0.0.1');

function answer(stream: ServerHttp2Stream, body: Buffer, withTrailers: boolean): void {
  stream.respond(HEADERS, { waitForTrailers: withTrailers });
  if (withTrailers) {
    stream.on('wantTrailers', () => {
      stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'OK' });
    });
  }
  stream.end(body);
}
