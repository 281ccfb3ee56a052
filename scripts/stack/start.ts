import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { step } from '../bootstrap/progress.mjs';
import { identify } from '../process/identity.ts';
import { bringUp, type Stack, takeDown } from './bring-up.ts';
import { makeFolders } from './folders.ts';
import { isReady, missingMembers } from './health.ts';
import { hints } from './hints.ts';
import { rememberedPorts } from './ports.ts';
import { claimStart, endPart, forget, record } from './records.ts';

const stopping = new AbortController();
const stopRequested = once(stopping.signal, 'abort');
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => stopping.abort());
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
// Connections to the members that were kept for the next request must not hold us.
process.exit();

async function main(options: string[]): Promise<void> {
  const isDetached = options.includes('--detach');
  if (options.some((option) => option !== '--detach')) {
    throw new Error(`Unknown option in '${options.join(' ')}'. The only one is --detach.`);
  }
  makeFolders();
  await waitForOtherStart();
  try {
    const stack = await upOrAlready();
    if (stack === undefined || isDetached) {
      return;
    }
    await watch(stack);
  } finally {
    forget('start');
  }
}

/** Two starts at once: the second one waits and then finds a running stack. */
async function waitForOtherStart(): Promise<void> {
  const other = claimStart();
  if (other === undefined) {
    return;
  }
  await step(`Waiting for the start in process ${other.pid}`, async () => {
    while (claimStart() !== undefined) {
      stopping.signal.throwIfAborted();
      await sleep(200);
    }
  });
}

async function upOrAlready(): Promise<Stack | undefined> {
  const ports = rememberedPorts();
  if (missingMembers().length === 0 && ports.rest !== undefined && (await isReady(ports.rest))) {
    console.log(`The stack already runs: http://localhost:${ports.rest}. npm stop ends it.`);
    return undefined;
  }
  // What a crash left behind: its watcher first, or it would end what we start.
  const isLeftover = await endPart('watch');
  const ended = await takeDown();
  if (isLeftover || ended.length > 0) {
    console.log(`Ended what an earlier run left behind (${ended.join(', ') || 'its watcher'}).`);
  }
  const starting = bringUp(stopping.signal);
  try {
    const stack = await Promise.race([starting, rejectOnStop()]);
    console.log(hints(stack.ports));
    return stack;
  } catch (error) {
    // Twice: a member that was about to start when we stopped is recorded by now.
    await takeDown();
    await Promise.allSettled([starting]);
    await takeDown();
    throw stopping.signal.aborted ? new Error('Stopped before the stack was ready.') : error;
  }
}

async function rejectOnStop(): Promise<never> {
  await stopRequested;
  throw new Error('stopped');
}

/** Foreground: waits for Ctrl-C or `npm stop`, tells when a member ends by itself, stops all. */
async function watch({ running }: Stack): Promise<void> {
  const self = identify(process.pid);
  if (self !== undefined) {
    record('watch', self);
  }
  forget('start');
  for (const member of running) {
    void member.ended.then((how) => {
      if (!stopping.signal.aborted) {
        console.error(
          `${member.name} ended (${how}); its log: ${member.logFile}. The rest runs on.`,
        );
      }
    });
  }
  console.log('Ctrl-C stops it.');
  // Nothing else keeps the process: the members are on their own.
  const alive = setInterval(() => undefined, 60_000);
  await stopRequested;
  clearInterval(alive);
  await step('Stopping', takeDown);
  forget('watch');
}
