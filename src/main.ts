import { pipeline } from 'node:stream/promises';
import { createApp } from './app.ts';
import { runCommand } from './commands.ts';
import type { Answer } from './commands.ts';
import { ConfigError, loadConfig } from './config.ts';

/** What a shell says of a program that SIGPIPE ended. */
const CLOSED_PIPE = 141;

const [command, ...words] = process.argv.slice(2);
try {
  if (command === undefined) await serve();
  else await print(await runCommand(command, words));
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

/** A reader that leaves early, such as `head`, ends the command without a word. */
async function print(answer: Answer): Promise<void> {
  const lines = typeof answer === 'string' ? [answer] : answer;
  try {
    await pipeline(withLineEnds(lines), process.stdout, { end: false });
  } catch (error) {
    if (!isClosedPipe(error)) throw error;
    process.exitCode = CLOSED_PIPE;
  }
}

async function* withLineEnds(lines: Iterable<string> | AsyncIterable<string>) {
  for await (const line of lines) yield `${line}\n`;
}

function isClosedPipe(error: unknown): boolean {
  return Error.isError(error) && 'code' in error && error.code === 'EPIPE';
}

function describe(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
