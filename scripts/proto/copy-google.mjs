/**
 * Copies the Google protos that ours import from the npm package to proto/google (git-ignored).
 * Comments are dropped: what is generated from them and committed then holds facts only.
 */
import { mkdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const WANTED = [
  'google/api/annotations.proto',
  'google/api/http.proto',
  'google/api/httpbody.proto',
  'google/rpc/error_details.proto',
  'google/rpc/status.proto',
];

/** Writes only what differs, so that running it twice at once is harmless. */
export function copyGoogle(root) {
  for (const name of WANTED) {
    const text = withoutComments(
      readFileSync(join(root, 'node_modules/google-proto-files', name), 'utf8'),
    );
    const target = join(root, 'proto', name);
    if (existsSync(target) && readFileSync(target, 'utf8') === text) continue;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}

/** None of the wanted files has `//` inside a string. */
function withoutComments(text) {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .split('\n')
    .map((line) => line.replace(/\/\/.*$/, '').trimEnd())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimStart();
}
