#!/usr/bin/env node
// `npm start`: installs what is missing, then runs the local stack on the pinned Node.
import { runOnPinnedNode } from './bootstrap/pinned-node.mjs';

await runOnPinnedNode('scripts/stack/start.ts', process.argv.slice(2));
