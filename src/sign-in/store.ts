import type { Origin } from '../audit/append.ts';
import type { Digest } from '../platform/digest.ts';
import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';
import type { E164 } from '../phone/number.ts';
import type { Familiarity } from '../phone/store.ts';

export type AccountRow = { id: string; isLockedDown: boolean; hasSecondFactor: boolean };

/** Opens an account on a number; false when the number has one. Waits for a rival to commit. */
export async function insertAccount(
  tx: Tx,
  account: { id: string; phone: E164 },
): Promise<boolean> {
  const rows = await tx.query(INSERT_ACCOUNT, [account.id, account.phone]);
  return rows.length === 1;
}

const INSERT_ACCOUNT = sql(
  'sign_in.insert_account',
  `INSERT INTO users_auth (id, phone_number, last_authenticated_at) VALUES ($1, $2, now())
   ON CONFLICT (phone_number) DO NOTHING RETURNING id`,
);

/** The number's account, locked until the transaction ends: logins of one account take turns. */
export async function lockAccount(tx: Tx, phone: E164): Promise<AccountRow | undefined> {
  const [row] = await tx.query<AccountRow>(LOCK_ACCOUNT, [phone]);
  return row;
}

const LOCK_ACCOUNT = sql(
  'sign_in.lock_account',
  `SELECT id, locked_down_at IS NOT NULL AS "isLockedDown", two_factor_enabled AS "hasSecondFactor"
     FROM users_auth WHERE phone_number = $1 FOR UPDATE`,
);

export async function recordAuthentication(tx: Tx, accountId: string): Promise<void> {
  await tx.query(RECORD_AUTHENTICATION, [accountId]);
}

const RECORD_AUTHENTICATION = sql(
  'sign_in.record_authentication',
  'UPDATE users_auth SET last_authenticated_at = now(), updated_at = now() WHERE id = $1',
);

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

/** What every row of the login history says of where it came from. */
export interface HistoryOrigin {
  readonly origin: Origin;
  readonly addressKey: Buffer;
}

export async function insertLoginSuccess(
  tx: Tx,
  entry: HistoryOrigin & { readonly accountId: string; readonly deviceId: string },
): Promise<void> {
  const { accountId, deviceId, origin, addressKey } = entry;
  await tx.query(INSERT_SUCCESS, [accountId, deviceId, origin.ipPrefix, addressKey]);
}

const INSERT_SUCCESS = sql(
  'sign_in.insert_login_success',
  `INSERT INTO login_history (user_id, device_id, ip_address, address_key, status)
   VALUES ($1, $2, $3, $4, 'success')`,
);

/** Records a failure if the number has an account. */
export async function insertLoginFailure(
  tx: Tx,
  entry: HistoryOrigin & { readonly phone: E164; readonly reason: string },
): Promise<void> {
  const { phone, origin, addressKey, reason } = entry;
  await tx.query(INSERT_FAILURE, [phone, origin.ipPrefix, addressKey, reason]);
}

const INSERT_FAILURE = sql(
  'sign_in.insert_login_failure',
  `INSERT INTO login_history (user_id, ip_address, address_key, status, reason)
   SELECT id, $2::cidr, $3::bytea, 'failure', $4 FROM users_auth WHERE phone_number = $1`,
);
