/**
 * Generates docs/configuration.md, docs/errors.md and docs/limits.md.
 *
 *   node scripts/docs/generate.ts           writes them
 *   node scripts/docs/generate.ts --check   writes nothing; fails if a committed page is stale
 */
import { writeFileSync } from 'node:fs';
import { buildPages, isStale } from './pages.ts';

const [option] = process.argv.slice(2);
if (option !== undefined && option !== '--check') {
  console.error(`unknown option ${option}; known: --check`);
  process.exit(2);
}
const stale = (await buildPages()).filter(isStale);
for (const { path, text } of stale) {
  if (option === undefined) writeFileSync(path, text);
  console.log(option === undefined ? `wrote ${path}` : `stale: ${path}`);
}
if (option !== undefined && stale.length > 0) {
  console.error('run "node scripts/docs/generate.ts"');
  process.exitCode = 1;
}
