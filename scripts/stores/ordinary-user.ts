import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';

/** An account that is not root. */
export type Account = { readonly uid: number; readonly gid: number };

// Accounts that most systems have for daemons that own nothing.
const COMMON_NAMES = ['nobody', 'postgres', 'daemon'];
const OWN_NAME = 'whispr-auth';

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The accounts that may run a program for root, best first: the owner of the data, whoever called sudo, daemons. */
export function ordinaryAccounts(dataFolder: string): Account[] {
  const accounts = [ownerOf(dataFolder), namedAccount(process.env['SUDO_USER'])];
  accounts.push(...COMMON_NAMES.map(namedAccount), namedAccount(OWN_NAME));
  return accounts.filter((account) => account !== undefined);
}

/** Makes an account of our own, for a system on which no other fits. */
export function makeAccount(): Account | undefined {
  const options = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin'];
  spawnSync('useradd', [...options, OWN_NAME]);
  return namedAccount(OWN_NAME);
}

/** True when the account can execute the program and load its libraries. */
export function mayRun(account: Account, program: string): boolean {
  return succeedsAs(account, program, ['--version']);
}

/** True when the account can enter the folder. */
export function mayEnter(account: Account, folder: string): boolean {
  return succeedsAs(account, '/bin/sh', ['-c', 'cd "$1"', 'sh', folder]);
}

function succeedsAs(account: Account, command: string, args: string[]): boolean {
  const options = { uid: account.uid, gid: account.gid, cwd: '/', stdio: 'ignore' } as const;
  return spawnSync(command, args, options).status === 0;
}

function ownerOf(folder: string): Account | undefined {
  if (!existsSync(folder)) {
    return undefined;
  }
  const { uid, gid } = statSync(folder);
  return uid === 0 ? undefined : { uid, gid };
}

function namedAccount(name: string | undefined): Account | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [entry, , uid, gid] = line.split(':');
    if (entry === name && Number(uid) > 0 && Number(gid) >= 0) {
      return { uid: Number(uid), gid: Number(gid) };
    }
  }
  return undefined;
}
