#!/usr/bin/env node
// `npm stop`: ends exactly the processes that `npm start` recorded.
import { runOnPinnedNode } from './bootstrap/pinned-node.mjs';

await runOnPinnedNode('scripts/stack/stop.ts', process.argv.slice(2));
