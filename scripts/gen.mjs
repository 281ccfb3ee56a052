/**
 * Generates everything under gen/ from proto/.
 *
 *   node scripts/gen.mjs           writes gen/
 *   node scripts/gen.mjs --check   writes nothing; fails if the committed gen/ is stale
 *   node scripts/gen.mjs --lint    buf lint, buf format and buf breaking against proto/image.binpb
 *   node scripts/gen.mjs --fix     buf format, written
 *   node scripts/gen.mjs --accept  makes the present protos the ones that `breaking` compares with
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buf } from './proto/buf.mjs';
import { copyGoogle } from './proto/copy-google.mjs';
import { differences, makeAlike } from './proto/sync.mjs';

const root = dirname(import.meta.dirname);
const gen = join(root, 'gen');
const image = 'proto/image.binpb';
const formatted = ['format', 'proto', '--exclude-path', 'proto/google'];
const actions = { '--check': check, '--lint': lint, '--fix': fix, '--accept': accept };

const flag = process.argv[2];
const action = flag === undefined ? write : actions[flag];
if (action === undefined) {
  console.error(`unknown option ${flag}; known: ${Object.keys(actions).join(', ')}`);
  process.exit(2);
}
copyGoogle(root);
action();

function write() {
  inScratch((fresh) => {
    const changed = makeAlike(fresh, gen);
    console.log(
      changed.length === 0 ? 'gen/ is up to date' : `gen/: ${changed.length} files written`,
    );
  });
}

function check() {
  inScratch((fresh) => {
    const stale = differences(fresh, gen);
    if (stale.length === 0) return;
    console.error(`gen/ is stale, run "node scripts/gen.mjs": ${stale.join(', ')}`);
    process.exitCode = 1;
  });
}

function lint() {
  buf(root, 'lint');
  buf(root, ...formatted, '--diff', '--exit-code');
  buf(root, 'breaking', '--against', image);
}

function fix() {
  buf(root, ...formatted, '--write');
}

function accept() {
  buf(root, 'build', '--exclude-source-info', '-o', image);
}

/** Generates into a folder of its own, so that a failure leaves gen/ as it was. */
function inScratch(use) {
  const scratch = mkdtempSync(join(tmpdir(), 'whispr-gen-'));
  try {
    generateInto(scratch);
    use(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function generateInto(dir) {
  buf(root, 'generate', '-o', dir);
  buf(root, 'generate', '--template', 'scripts/openapi/buf.gen.yaml', '-o', dir);
  mkdirSync(join(dir, 'envoy'), { recursive: true });
  buf(
    root,
    ...['build', '--as-file-descriptor-set', '--exclude-source-info'],
    ...['-o', join(dir, 'envoy/descriptor.binpb')],
  );
}
