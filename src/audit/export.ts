import { parseArgs } from 'node:util';
import type { Database } from '../platform/postgres.ts';
import { selectAuditBatch, selectAuditBatchOf } from './store.ts';
import type { AuditRow } from './store.ts';

/** What is exported: times from (included) to (excluded), of one account or of all. */
export interface AuditRange {
  readonly from: string;
  readonly to: string;
  readonly accountId: string | undefined;
}

const USAGE = `usage: main export-audit [--from TIME] [--to TIME] [--account UUID]
  TIME is a date (UTC) or an RFC 3339 time with its offset, such as 2026-11-23 or 2026-11-23T18:30:00Z`;

/** Reads the words behind the command. @throws Error with the usage */
export function auditRangeFrom(words: readonly string[]): AuditRange {
  const { from = '-infinity', to = 'infinity', account } = optionsIn(words);
  const isTime = (text: string) => isFinite(Date.parse(text)) && TIME.test(text);
  const isGood =
    (from === '-infinity' || isTime(from)) &&
    (to === 'infinity' || isTime(to)) &&
    (account === undefined || UUID.test(account));
  if (!isGood) throw new Error(USAGE);
  return { from: inUtc(from), to: inUtc(to), accountId: account };
}

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d))?$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function optionsIn(words: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ args: [...words], options: { from: text, to: text, account: text } }).values;
  } catch {
    throw new Error(USAGE);
  }
}

/** A date alone would mean midnight in the time zone of the connection. */
function inUtc(time: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(time) ? `${time}T00:00:00Z` : time;
}

const BATCH = 1_000;
/** Before every id that was ever made. */
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/**
 * The audit log as lines of JSON, oldest first, ids within one time. However long the log is, no more
 * than a batch is in memory, and no statement or transaction lasts as long as the export.
 */
export async function* exportAudit(
  deps: { readonly db: Database },
  { from, to, accountId }: AuditRange,
): AsyncGenerator<string> {
  let after = { createdAt: from, id: FIRST_ID };
  for (;;) {
    const batch = { after, to, limit: BATCH };
    const rows: AuditRow[] =
      accountId === undefined
        ? await selectAuditBatch(deps.db, batch)
        : await selectAuditBatchOf(deps.db, accountId, batch);
    for (const row of rows) yield JSON.stringify(row);
    const last = rows.at(-1);
    if (!last || rows.length < BATCH) return;
    after = last;
  }
}
