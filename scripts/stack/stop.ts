import { step } from '../bootstrap/progress.mjs';
import { takeDown } from './bring-up.ts';
import { makeFolders } from './folders.ts';
import { COMMANDS, endPart } from './records.ts';

try {
  makeFolders();
  await step('Stopping', stop);
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** A waiting command ends the members itself; afterwards nothing starts them again. */
async function stop(): Promise<void> {
  let isFound = false;
  for (const command of COMMANDS) {
    isFound = (await endPart(command)) || isFound;
  }
  const ended = await takeDown();
  if (!isFound && ended.length === 0) {
    console.log('Nothing of this checkout runs.');
  }
}
