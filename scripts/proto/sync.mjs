/** Compares two folders of generated files, and makes one like the other. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Paths, relative to the folders, that differ or exist on one side only. */
export function differences(wantedDir, presentDir) {
  const names = new Set([...filesIn(wantedDir), ...filesIn(presentDir)]);
  return [...names].filter((name) => !sameFile(join(wantedDir, name), join(presentDir, name))).sort();
}

/** Touches only what differs, so that somebody who is reading the folder meanwhile is not disturbed. */
export function makeAlike(wantedDir, presentDir) {
  const changed = differences(wantedDir, presentDir);
  for (const name of changed) {
    const wanted = join(wantedDir, name);
    const present = join(presentDir, name);
    if (!existsSync(wanted)) {
      rmSync(present);
      continue;
    }
    mkdirSync(dirname(present), { recursive: true });
    writeFileSync(present, readFileSync(wanted));
  }
  return changed;
}

function filesIn(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));
}

function sameFile(a, b) {
  return existsSync(a) && existsSync(b) && readFileSync(a).equals(readFileSync(b));
}
