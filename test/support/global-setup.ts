import { startPostgres } from './postgres.ts';
import type { TestPostgres } from './postgres.ts';
import { startValkey } from './valkey.ts';
import type { TestValkey } from './valkey.ts';

let started: { postgres: TestPostgres; valkey: TestValkey } | undefined;

/** One PostgreSQL and one Valkey for the whole run; each test file gets databases of its own. */
export async function startStores(): Promise<void> {
  // Unit tests do no input or output: nothing to wait for.
  if (process.env['TEST_SUITES'] === 'unit') return;
  const [postgres, valkey] = await Promise.all([startPostgres(), startValkey()]);
  started = { postgres, valkey };
  process.env['TEST_POSTGRES_PORT'] = String(postgres.port);
  process.env['TEST_VALKEY_PORT'] = String(valkey.port);
}

export async function removeStores(): Promise<void> {
  await started?.postgres.remove();
  await started?.valkey.remove();
}
