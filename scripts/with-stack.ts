import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { serviceEnvironment } from './stack/environment.ts';
import { checkout } from './stack/folders.ts';
import { allPorts } from './stack/ports.ts';
import { livingProcess } from './stack/records.ts';
import { hasSecrets, loadSecrets } from './stack/secrets.ts';

// node scripts/with-stack.ts COMMAND [ARGUMENT…]: runs a command with the environment that the local stack's
// service has. A caller that names a database itself is left alone.
const NAMES_A_DATABASE = ['DB_URL', 'DB_URL_FILE', 'DB_HOST', 'DB_HOST_FILE'];

try {
  const [command, ...given] = process.argv.slice(2);
  if (command === undefined) {
    throw new Error('usage: node scripts/with-stack.ts COMMAND [ARGUMENT…]');
  }
  process.exitCode = await run(command, given);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function environment(): NodeJS.ProcessEnv {
  if (NAMES_A_DATABASE.some((name) => process.env[name] !== undefined)) {
    return process.env;
  }
  const ports = allPorts();
  if (ports === undefined || !hasSecrets() || livingProcess('postgres') === undefined) {
    throw new Error(
      'The local stack does not run (npm start -- --detach), and the environment names no database (DB_HOST or DB_URL).',
    );
  }
  return { ...process.env, ...serviceEnvironment(ports, loadSecrets()) };
}

function run(command: string, given: readonly string[]): Promise<number> {
  const child = spawn(command, given, { cwd: checkout, stdio: 'inherit', env: environment() });
  // Ctrl-C is the command's business.
  process.on('SIGINT', () => undefined);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
