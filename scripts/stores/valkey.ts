import { rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { ProcessIdentity } from '../process/identity.ts';
import { launch, type Running, waitUntil } from '../process/launch.ts';

/** A Valkey or Redis server of ours on the loopback. */
export type ValkeyServer = {
  readonly program: string;
  readonly port: number;
  readonly password: string;
  readonly configFile: string;
  readonly logFile: string;
  readonly onStart?: (identity: ProcessIdentity) => void;
  readonly databases?: number;
};

const READY_TIMEOUT_MS = 20_000;

/** Starts the server and returns when it answers. It keeps nothing on disk: Redis may be lost by design. */
export async function startValkeyServer(server: ValkeyServer): Promise<Running> {
  // A file, not arguments: those are readable by every user of the machine.
  rmSync(server.configFile, { force: true });
  writeFileSync(server.configFile, configuration(server), { mode: 0o600 });
  const running = await launch({
    name: 'Valkey',
    command: server.program,
    args: [server.configFile],
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
    logFile: server.logFile,
    onStart: server.onStart,
  });
  await waitUntil(running, () => answers(server), READY_TIMEOUT_MS);
  return running;
}

function configuration(server: ValkeyServer): string {
  return [
    'bind 127.0.0.1',
    `port ${server.port}`,
    `requirepass ${server.password}`,
    `databases ${server.databases ?? 16}`,
    'maxmemory 256mb',
    'maxmemory-policy noeviction',
    'save ""',
    'appendonly no',
    '',
  ].join('\n');
}

function answers({ port, password }: ValkeyServer): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let reply = '';
    socket.on('connect', () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    socket.on('data', (chunk) => {
      reply += chunk.toString();
      if (reply.includes('+PONG')) {
        socket.destroy();
        resolve(true);
      }
    });
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}
