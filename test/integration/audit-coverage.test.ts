import { randomUUID } from 'node:crypto';
import { MethodOptions_IdempotencyLevel as Idempotency } from '@bufbuild/protobuf/wkt';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { DeviceService } from '../../gen/whispr/device/v1/device_service_pb.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { CHANGES, UNAUDITED } from '../support/audited-changes.ts';
import { refusalOf } from '../support/client.ts';

/** What counts tries before it knows how they end, and what happens by itself. */
const COUNTERS = new Set([
  'fraud_sends',
  'fraud_prefixes',
  'spend_counters',
  'sms_deliveries',
  'two_factor_states',
  'two_factor_challenges',
  'signing_keys',
  'job_runs',
  'audit_events',
]);

type AuditRow = {
  type: string;
  outcome: string;
  account: string | null;
  prefix: string | null;
  details: string;
};

let app: TestApp;

beforeAll(async () => {
  app = await startApp({ VERIFICATION_COOLDOWN_SECONDS: '0' });
});
afterEach(() => app.sql('ALTER TABLE audit_events DROP CONSTRAINT IF EXISTS broken'));
afterAll(() => app.stop());

test('every method with side effects is audited, or it is said why not', () => {
  const changing = [...AuthService.methods, ...DeviceService.methods]
    .filter(({ idempotency }) => idempotency !== Idempotency.NO_SIDE_EFFECTS)
    .map(({ name }) => name);
  const known = [...Object.keys(CHANGES), ...Object.keys(UNAUDITED)];
  expect(known.toSorted()).toEqual(changing.toSorted());
});

describe.each(Object.entries(CHANGES))('%s', (_name, prepare) => {
  test('leaves an audit row with who, from where and by which request, without secrets', async () => {
    const change = await prepare(app);
    const requestId = randomUUID();
    await change({ headers: { 'x-request-id': requestId } });
    const rows = await app.sql<AuditRow>(
      `SELECT type, outcome, account_id AS account, ip_prefix::text AS prefix, details::text
         FROM audit_events WHERE request_id = $1`,
      [requestId],
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row).toMatchObject({ prefix: '198.51.100.0/24', outcome: 'success' });
      expect(row.account).not.toBeNull();
      const words = row.details.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '');
      expect(words).not.toMatch(/\d{5,}|eyJ|[\w+/-]{24,}/);
    }
  });

  test('changes nothing when the audit row cannot be written', async () => {
    const change = await prepare(app);
    await app.sql('ALTER TABLE audit_events ADD CONSTRAINT broken CHECK (false) NOT VALID');
    const before = await contents();
    const refusal = await refusalOf(change({ headers: {} }));
    expect(refusal.reason).toBe('INTERNAL');
    expect(await contents()).toEqual(before);
  });
});

/** A digest of every table that holds state of accounts. */
async function contents(): Promise<Record<string, string | null>> {
  const tables = await app.sql<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind IN ('r', 'p') AND NOT relispartition`,
  );
  const digests: Record<string, string | null> = {};
  for (const { name } of tables.filter((table) => !COUNTERS.has(table.name))) {
    const [row] = await app.sql<{ digest: string | null }>(
      `SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) AS digest FROM ${name} t`,
    );
    digests[name] = row?.digest ?? null;
  }
  return digests;
}
