import { appendFileSync, readFileSync } from 'node:fs';
import { end, type Request } from './end.ts';
import { isAlive, isProcessIdentity, type ProcessIdentity } from './identity.ts';

/** The environment variable that names the file in which a run of tests notes what it launched. */
export const LEDGER = 'LAUNCH_LEDGER';

// SIGINT is PostgreSQL's fast shutdown and everybody else's ordinary end.
const QUICKLY: readonly Request[] = [
  { signal: 'SIGCONT', waitMs: 0 },
  { signal: 'SIGINT', waitMs: 5_000 },
  { signal: 'SIGQUIT', waitMs: 2_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
];

/** Notes a launched process, if this is a run that keeps a ledger. */
export function note(identity: ProcessIdentity): void {
  const file = process.env[LEDGER];
  if (file !== undefined) {
    appendFileSync(file, `${JSON.stringify(identity)}\n`);
  }
}

/** Ends what a ledger names and still lives, newest first; returns how many there were. */
export async function settle(file: string): Promise<number> {
  let living = 0;
  for (const identity of readLedger(file).reverse()) {
    if (await endQuickly(identity)) {
      living += 1;
    }
  }
  return living;
}

async function endQuickly(identity: ProcessIdentity): Promise<boolean> {
  if (!isAlive(identity)) {
    return false;
  }
  await end(identity, QUICKLY);
  return true;
}

function readLedger(file: string): ProcessIdentity[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line) => {
    const entry = parseEntry(line);
    return entry === undefined ? [] : [entry];
  });
}

/** A line that a crash cut short names nobody. */
function parseEntry(line: string): ProcessIdentity | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return isProcessIdentity(entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}
