import { createApp } from './app.ts';
import { runCommand } from './commands.ts';
import { ConfigError, loadConfig } from './config.ts';

const [command, ...words] = process.argv.slice(2);
try {
  if (command === undefined) await serve();
  else process.stdout.write(`${await runCommand(command, words)}\n`);
} catch (error) {
  process.stderr.write(`${describe(error)}\n`);
  process.exitCode = 1;
}

/** Runs until SIGTERM or SIGINT; a second signal ends the process at once. */
async function serve(): Promise<void> {
  const stopped = nextSignal();
  const app = await createApp(loadConfig());
  await stopped;
  process.once('SIGINT', () => process.exit(1));
  process.once('SIGTERM', () => process.exit(1));
  await app.stop();
}

function nextSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}

function describe(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
