import type { Digest } from '../platform/digest.ts';
import { sql } from '../platform/postgres.ts';
import type { Queryable } from '../platform/postgres.ts';
import type { E164 } from '../phone/number.ts';
import type { Familiarity } from '../phone/store.ts';

/** Whether the number has an account, and whether that has a second factor. */
export async function selectAccount(
  db: Queryable,
  phone: E164,
): Promise<{ hasSecondFactor: boolean } | undefined> {
  const [row] = await db.query<{ hasSecondFactor: boolean }>(SELECT_ACCOUNT, [phone]);
  return row;
}

const SELECT_ACCOUNT = sql(
  'sign_in.select_account',
  'SELECT two_factor_enabled AS "hasSecondFactor" FROM users_auth WHERE phone_number = $1',
);

/** What the number's account knows of an address, under any pepper that is still in use. */
export async function selectFamiliarity(
  deps: { readonly db: Queryable; readonly digest: Digest },
  phone: E164,
  addressUnit: string,
): Promise<Familiarity> {
  const addressKeys = deps.digest.every('address', [addressUnit]);
  const [row] = await deps.db.query<Familiarity>(SELECT_FAMILIARITY, [phone, addressKeys]);
  return row ?? { isKnownAddress: false, hasSecondFactor: false };
}

const SELECT_FAMILIARITY = sql(
  'sign_in.select_familiarity',
  `SELECT u.two_factor_enabled AS "hasSecondFactor",
          EXISTS (SELECT 1 FROM login_history h WHERE h.user_id = u.id AND h.status = 'success'
                     AND h.address_key = ANY ($2::bytea[])) AS "isKnownAddress"
     FROM users_auth u WHERE u.phone_number = $1`,
);
