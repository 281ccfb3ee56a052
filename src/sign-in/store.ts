import { sql } from '../platform/postgres.ts';
import type { Queryable } from '../platform/postgres.ts';
import type { E164 } from '../phone/number.ts';

/** The number's account, and whether that has a second factor. */
export async function selectAccount(
  db: Queryable,
  phone: E164,
): Promise<{ id: string; hasSecondFactor: boolean } | undefined> {
  const [row] = await db.query<{ id: string; hasSecondFactor: boolean }>(SELECT_ACCOUNT, [phone]);
  return row;
}

const SELECT_ACCOUNT = sql(
  'sign_in.select_account',
  'SELECT id, two_factor_enabled AS "hasSecondFactor" FROM users_auth WHERE phone_number = $1',
);
