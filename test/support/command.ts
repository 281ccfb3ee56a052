import { runCommand } from '../../src/commands.ts';
import type { Answer } from '../../src/commands.ts';
import type { TestApp } from './app.ts';

/** Runs an operator's command on the app's stores, with the environment of an operator's shell. */
export async function operate(
  app: TestApp,
  command: string,
  ...words: readonly string[]
): Promise<Answer> {
  const before = process.env;
  process.env = { ...before, ...app.settings };
  try {
    return await runCommand(command, words);
  } finally {
    process.env = before;
  }
}
