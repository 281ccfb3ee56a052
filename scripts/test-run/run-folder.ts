import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify, isAlive, isProcessIdentity } from '../process/identity.ts';
import { settle } from '../process/ledger.ts';
import { folders } from '../stack/folders.ts';

/** What one run of the tests owns: a folder for temporary files and a ledger of what it launched. */
export type RunFolder = {
  readonly temporary: string;
  readonly ledger: string;
  readonly note: string;
};

const runs = join(folders.run, 'tests');

/** Opens a run, after removing what killed runs left behind. */
export async function openRun(): Promise<RunFolder> {
  mkdirSync(runs, { recursive: true });
  await removeAbandonedRuns();
  // Short: paths below it must fit a socket's 100 bytes. Others may enter, PostgreSQL's account among them.
  const temporary = mkdtempSync(join(tmpdir(), 'whispr-test-'));
  chmodSync(temporary, 0o711);
  const name = `${process.pid}`;
  const run = { temporary, ledger: join(runs, `${name}.ledger`), note: join(runs, `${name}.json`) };
  writeFileSync(run.ledger, '');
  writeFileSync(run.note, JSON.stringify({ runner: identify(process.pid), temporary }));
  return run;
}

/** Ends whatever the run launched and forgot, and removes its files. */
export async function closeRun(run: RunFolder): Promise<void> {
  const left = await settle(run.ledger);
  if (left > 0) {
    console.log(`Ended ${left} process(es) that the tests had left running.`);
  }
  for (const path of [run.temporary, run.ledger, run.note]) {
    rmSync(path, { recursive: true, force: true });
  }
}

async function removeAbandonedRuns(): Promise<void> {
  for (const entry of readdirSync(runs).filter((name) => name.endsWith('.json'))) {
    const note = join(runs, entry);
    const abandoned = readNote(note);
    if (abandoned !== undefined) {
      await closeRun({ ...abandoned, note, ledger: note.replace(/json$/, 'ledger') });
    }
  }
}

/** The folder of a run whose runner is gone; undefined for one that lives. */
function readNote(file: string): { temporary: string } | undefined {
  const found: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof found !== 'object' || found === null) {
    return undefined;
  }
  const runner: unknown = Reflect.get(found, 'runner');
  const temporary: unknown = Reflect.get(found, 'temporary');
  if (isProcessIdentity(runner) && isAlive(runner)) {
    return undefined;
  }
  // Only a folder of the kind that we make is removed, whatever the note says.
  return typeof temporary === 'string' && /[/\\]whispr-test-\w+$/.test(temporary)
    ? { temporary }
    : undefined;
}
