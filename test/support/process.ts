import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Settings } from './postgres.ts';

/** The service as a process of its own, as it runs in production. */
export interface ServiceProcess {
  readonly grpcPort: number;
  /** Every line that it logged so far. */
  readonly logs: readonly string[];
  /** Sends a signal; resolves with the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** Starts `node src/main.ts` and resolves once it serves. */
export async function startServiceProcess(settings: Settings): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env['PATH'], ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const logs: string[] = [];
  const grpcPort = await portOf(child, logs);
  const exited = once(child, 'exit');
  return {
    grpcPort,
    logs,
    end: async (signal) => {
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}

function portOf(child: ChildProcess, logs: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    let rest = '';
    child.once('exit', (code) => {
      reject(new Error(`The service ended with ${code}: ${logs.join('\n')}`));
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      logs.push(...lines);
      const started = lines.find((line) => line.includes('"app.started"'));
      const port = /"port":(\d+)/.exec(started ?? '')?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
}
