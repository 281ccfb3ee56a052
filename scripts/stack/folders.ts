import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the checkout, without a trailing slash. */
export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const local = join(checkout, '.local');

/** Everything that a command of ours leaves behind; `.local` is ignored by git and may be removed at any time. */
export const folders = {
  local,
  run: join(local, 'run'),
  log: join(local, 'log'),
  data: join(local, 'data'),
  state: join(local, 'data', 'state'),
  tools: join(local, 'tools'),
} as const;

/** Makes the folders. @throws when they belong to another user */
export function makeFolders(): void {
  for (const folder of Object.values(folders)) {
    if (!existsSync(folder)) {
      mkdirSync(folder, { recursive: true });
    }
    try {
      accessSync(folder, constants.W_OK);
    } catch {
      throw new Error(
        `${folder} belongs to another user (somebody ran the stack or the tests as root?). ` +
          'Run the command as that user, or remove .local.',
      );
    }
  }
}
