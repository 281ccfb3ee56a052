import { IMPORT_CASES } from './snippets-import.ts';
import { PROCESS_CASES } from './snippets-process.ts';
import { SHAPE_CASES } from './snippets-shape.ts';
import { STORE_CASES } from './snippets-store.ts';

const CASES = [...IMPORT_CASES, ...PROCESS_CASES, ...STORE_CASES, ...SHAPE_CASES];

export const BAD = CASES.filter(({ found }) => found.length > 0);
export const GOOD = CASES.filter(({ found }) => found.length === 0);
