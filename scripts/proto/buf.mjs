/** Runs the pinned buf, and the plugins beside it, from node_modules. */
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

/** Ends the process with buf's own words and status if buf refuses. */
export function buf(root, ...args) {
  const bin = join(root, 'node_modules/.bin');
  const result = spawnSync(join(bin, 'buf'), args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
  });
  if (result.error) throw result.error;
  if (result.status !== 0) process.exit(result.status ?? 1);
}
