import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { edgeConfiguration } from './configuration.ts';
import { readOptions } from './options.ts';

try {
  const { out, edge } = readOptions(process.argv.slice(2), process.env);
  // Anchors would save a few lines and cost whoever reads the file.
  const text = stringify(edgeConfiguration(edge), { aliasDuplicateObjects: false });
  if (out === undefined) process.stdout.write(text);
  else writeFileSync(out, text, { mode: 0o644 });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
