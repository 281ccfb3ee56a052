#!/usr/bin/env node
// `npm test [suite…] [jest options]`: installs what is missing, then checks and tests on the pinned Node.
import { runOnPinnedNode } from './bootstrap/pinned-node.mjs';

await runOnPinnedNode('scripts/test-run/main.ts', process.argv.slice(2));
