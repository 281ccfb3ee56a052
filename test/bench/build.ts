import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { checkout } from '../../scripts/stack/folders.ts';

/** Compiles the service to `dist`, as its image has it. @throws with the compiler's words */
export function build(): void {
  const compiler = join(checkout, 'node_modules', 'typescript', 'bin', 'tsc');
  const result = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: checkout,
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`The service does not compile.\n${result.stdout}`);
}
