import { createInboxServer } from './server.ts';
import { createMailbox } from './mailbox.ts';

// A day of trying things out; each message is well under a kilobyte.
const CAPACITY = 500;
const port = Number(process.env['INBOX_PORT'] ?? 3002);
// Codes are for this machine's eyes. Only a container, whose port mapping decides, listens to all.
const host = process.env['INBOX_HOST'] ?? '127.0.0.1';

const server = createInboxServer(createMailbox(CAPACITY, () => new Date()));
server.listen(port, host, () => {
  console.log(`SMS inbox on http://${host}:${port}`);
});
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}
